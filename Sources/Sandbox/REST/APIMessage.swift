import Platform

/// A request as the API sees it, whatever server took it in.
struct APIRequest: Sendable {
  struct File: Sendable {
    /// The `N` of its form field `files[N]`.
    let index: Int
    let filename: String
    let contentType: String
    let bytes: [UInt8]
  }

  var method: HTTPMethod
  /// Decoded segments, `/api/v10` taken off.
  var segments: [String]
  var query: [String: String] = [:]
  var authorization: String?
  /// The `X-Audit-Log-Reason`, decoded.
  var auditReason: String?
  /// The JSON body, or the form's `payload_json`.
  var body: Body = .none
  var files: [File] = []
  /// The fields of a form body, which only OAuth2 takes.
  var form: [String: String] = [:]

  /// The names of the JSON body's members.
  var fields: [String] {
    guard case .json(let body) = body else { return [] }
    return body.object?.keys ?? []
  }

  enum Body: Sendable, Equatable {
    case none
    case json(JSON)
    case invalid
  }
}

struct APIResponse: Sendable {
  var status: Int
  var headers: HTTPHeaders = [:]
  /// nil answers without a body (204).
  var body: JSON?
  /// Sent instead of the body, for a fault.
  var text: String?

  static func ok(_ body: JSON) -> APIResponse { APIResponse(status: 200, body: body) }
  static func created(_ body: JSON) -> APIResponse { APIResponse(status: 201, body: body) }
  static let noContent = APIResponse(status: 204)
}

/// Why the API refuses, in Discord's shape `{"message", "code", "errors"?}`.
/// Source: Discord "Opcodes and Status Codes", JSON Error Codes.
struct APIError: Error, Sendable, Equatable {
  let status: Int
  let code: Int64
  let message: String
  var errors: JSON?

  var body: JSON {
    var body: JSON = ["message": .string(message), "code": .integer(code)]
    if let errors { body["errors"] = errors }
    return body
  }

  private static func notFound(_ code: Int64, _ what: String) -> APIError {
    APIError(status: 404, code: code, message: "Unknown \(what)")
  }

  static let unauthorized = APIError(status: 401, code: 0, message: "401: Unauthorized")
  static let routeNotFound = APIError(status: 404, code: 0, message: "404: Not Found")
  static let methodNotAllowed = APIError(status: 405, code: 0, message: "405: Method Not Allowed")
  static let invalidJSON = APIError(status: 400, code: 50109, message: "The request body contains invalid JSON.")
  static let unknownApplication = notFound(10002, "Application")
  static let unknownChannel = notFound(10003, "Channel")
  static let unknownGuild = notFound(10004, "Guild")
  static let unknownMember = notFound(10007, "Member")
  static let unknownMessage = notFound(10008, "Message")
  static let unknownRole = notFound(10011, "Role")
  static let unknownUser = notFound(10013, "User")
  static let unknownWebhook = notFound(10015, "Webhook")
  static let unknownBan = notFound(10026, "Ban")
  static let unknownEmoji = notFound(10014, "Emoji")
  static let unknownInvite = notFound(10006, "Invite")
  static let unknownInteraction = notFound(10062, "interaction")
  static let unknownCommand = notFound(10063, "application command")
  static let tooManyCommands = APIError(
    status: 400, code: 30032, message: "Maximum number of application commands reached (100)")
  static let entryPointMissing = APIError(
    status: 400, code: 50240,
    message: "You cannot remove this app's Entry Point command in a bulk update operation. Please include the Entry "
      + "Point command in your update request or delete it separately.")
  static let alreadyAcknowledged = APIError(
    status: 400, code: 40060, message: "Interaction has already been acknowledged.")
  static let missingAccess = APIError(status: 403, code: 50001, message: "Missing Access")
  static let wrongChannelKind = APIError(
    status: 400, code: 50024, message: "Cannot execute action on this channel type")
  static let notTheAuthor = APIError(
    status: 403, code: 50005, message: "Cannot edit a message authored by another user")
  static let emptyMessage = APIError(status: 400, code: 50006, message: "Cannot send an empty message")
  static let cannotMessageUser = APIError(status: 403, code: 50007, message: "Cannot send messages to this user")
  static let missingPermissions = APIError(status: 403, code: 50013, message: "Missing Permissions")
  static let invalidWebhookToken = APIError(status: 401, code: 50027, message: "Invalid Webhook Token")
  static let invalidRole = APIError(status: 400, code: 50028, message: "Invalid Role")
  static let bulkDeleteTooOld = APIError(
    status: 400, code: 50034, message: "You can only bulk delete messages that are under 14 days old.")

  static func invalidForm(_ errors: JSON) -> APIError {
    APIError(status: 400, code: 50035, message: "Invalid Form Body", errors: errors)
  }

  static func form(_ path: String, _ code: String, _ message: String) -> APIError {
    var form = FormErrors()
    form.add(path.split(separator: ".").map(String.init), code, message)
    return invalidForm(form.json)
  }
}

/// Collects what is wrong with a body, each at its place.
struct FormErrors: Sendable {
  private var root = Node()

  private struct Node: Sendable {
    var children: [(name: String, node: Node)] = []
    var errors: [JSON] = []

    mutating func add(_ path: ArraySlice<String>, _ error: JSON) {
      guard let first = path.first else {
        errors.append(error)
        return
      }
      if let index = children.firstIndex(where: { $0.name == first }) {
        children[index].node.add(path.dropFirst(), error)
      } else {
        var node = Node()
        node.add(path.dropFirst(), error)
        children.append((first, node))
      }
    }

    var json: JSON {
      var object = JSON.Object(children.map { ($0.name, $0.node.json) })
      if !errors.isEmpty { object["_errors"] = .array(errors) }
      return .object(object)
    }
  }

  private(set) var isEmpty = true
  var json: JSON { root.json }

  mutating func add(_ path: [String], _ code: String, _ message: String) {
    isEmpty = false
    root.add(path[...], ["code": .string(code), "message": .string(message)])
  }

  func check() throws(APIError) {
    if !isEmpty { throw .invalidForm(json) }
  }
}

extension FormErrors {
  mutating func required(_ path: [String]) { add(path, "BASE_TYPE_REQUIRED", "This field is required") }

  /// A text whose length lies in `range`. Missing or null is an error only when `required`.
  @discardableResult
  mutating func text(_ value: JSON?, _ path: [String], _ range: ClosedRange<Int>, required: Bool = false) -> String? {
    guard let value, !value.isNull else {
      if required { self.required(path) }
      return nil
    }
    guard let text = value.string else {
      add(path, "STRING_TYPE_CONVERT", "Could not interpret \"\(value)\" as string.")
      return nil
    }
    let length = text.unicodeScalars.count
    if !range.contains(length) {
      if range.lowerBound > 0 && range.upperBound > range.lowerBound {
        if length == 0 && required {
          self.required(path)
        } else {
          add(
            path, "BASE_TYPE_BAD_LENGTH",
            "Must be between \(range.lowerBound) and \(range.upperBound) in length.")
        }
      } else {
        add(path, "BASE_TYPE_MAX_LENGTH", "Must be \(range.upperBound) or fewer in length.")
      }
    }
    return text
  }

  @discardableResult
  mutating func integer(
    _ value: JSON?, _ path: [String], _ range: ClosedRange<Int64>, required: Bool = false
  ) -> Int64? {
    guard let value, !value.isNull else {
      if required { self.required(path) }
      return nil
    }
    guard let number = value.integer ?? value.string.flatMap({ Int64($0) }) else {
      add(path, "NUMBER_TYPE_COERCE", "Value \"\(value.string ?? value.serialized())\" is not int.")
      return nil
    }
    if number > range.upperBound {
      add(path, "NUMBER_TYPE_MAX", "int value should be less than or equal to \(range.upperBound).")
    }
    if number < range.lowerBound {
      add(path, "NUMBER_TYPE_MIN", "int value should be greater than or equal to \(range.lowerBound).")
    }
    return number
  }

  mutating func list(_ value: JSON?, _ path: [String], limit: Int) -> [JSON] {
    guard let value, !value.isNull else { return [] }
    guard let list = value.array else {
      add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
      return []
    }
    if list.count > limit { add(path, "BASE_TYPE_MAX_LENGTH", "Must be \(limit) or fewer in length.") }
    return list
  }

  mutating func choice(_ value: Int64, _ path: [String], _ allowed: [Int64]) {
    if !allowed.contains(value) {
      add(path, "BASE_TYPE_CHOICES", "Value must be one of {\(allowed.map(String.init).joined(separator: ", "))}.")
    }
  }
}
