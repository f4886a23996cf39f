import Gateway

/// The core has `Permissions` too.
typealias DiscordPermissions = Permissions
