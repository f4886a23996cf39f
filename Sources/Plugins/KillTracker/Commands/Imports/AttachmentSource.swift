import Gateway
import Platform

/// Why a file that somebody attached could not be had, for them to read.
struct AttachmentError: Error, Sendable, Equatable {
  var message: String
}

/// Fetches what people attach, from Discord's own hosts alone: the address comes in over the network.
final class AttachmentSource: Sendable {
  /// Discord Reference, "CDN": where attachments of interactions and messages are.
  static let origins = ["https://cdn.discordapp.com", "https://media.discordapp.net"]

  private let origins: [String]
  private let client: HTTPClient

  /// - Parameter apiBase: of a Discord that is not the real one, the sandbox: its attachments are at the same place.
  init(client: HTTPClient, apiBase: String) {
    self.client = client
    let base = Self.origin(of: apiBase)
    origins = base == "https://discord.com" ? Self.origins : Self.origins + [base].compactMap { $0 }
  }

  /// The bytes as they come; not more than were announced.
  /// - Throws: ``AttachmentError``, here; `HTTPClientError` while they are read.
  func open(_ attachment: Attachment) async throws -> HTTPClientBody {
    guard let origin = Self.origin(of: attachment.url), origins.contains(origin) else {
      throw AttachmentError(message: "That file does not lie at Discord.")
    }
    let response: HTTPClientStreamingResponse
    do {
      response = try await client.open(
        HTTPClientRequest(
          .get, attachment.url,
          timeouts: .init(connect: .seconds(10), total: .seconds(600), idle: .seconds(30)),
          maximumResponseBytes: max(attachment.size, 1)))
    } catch is HTTPClientError {
      throw AttachmentError(message: "Discord does not hand out that file now. Try again.")
    }
    guard response.status == 200 else {
      throw AttachmentError(message: "Discord does not hand out that file (\(response.status)). Upload it again.")
    }
    return response.body
  }

  /// `https://host:port`, nil for what is no such address or carries a user's name.
  static func origin(of url: String) -> String? {
    guard let scheme = ["https://", "http://"].first(where: url.hasPrefix) else { return nil }
    let authority = url.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard !authority.isEmpty, !authority.contains("@") else { return nil }
    return scheme + authority.lowercased()
  }
}
