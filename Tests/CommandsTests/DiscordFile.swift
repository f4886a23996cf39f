import Gateway

/// The testing library has an `Attachment` too.
typealias DiscordFile = Attachment
