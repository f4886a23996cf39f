import Platform

/// A block of rich text in a message. See `developers/resources/message`, "Embed Object".
///
/// Limits: title 256 characters, description 4096, 25 fields (name 256, value 1024), footer 2048, author 256; 6000 over
/// all embeds of a message.
public struct Embed: Sendable, Hashable, Codable, JSONDecodable {
  public var title: String?
  public var description: String?
  public var url: String?
  public var timestamp: Timestamp?
  /// RGB.
  public var color: Int?
  public var footer: Footer?
  public var image: Image?
  public var thumbnail: Image?
  public var author: Author?
  public var fields: [Field]

  public struct Footer: Sendable, Hashable, Codable {
    public var text: String
    public var iconURL: String?
    public init(_ text: String, iconURL: String? = nil) {
      self.text = text
      self.iconURL = iconURL
    }
    enum CodingKeys: String, CodingKey {
      case text
      case iconURL = "icon_url"
    }
  }

  public struct Image: Sendable, Hashable, Codable {
    /// `https://…`, or `attachment://name` for a file sent along.
    public var url: String
    public init(url: String) { self.url = url }
  }

  public struct Author: Sendable, Hashable, Codable {
    public var name: String
    public var url: String?
    public var iconURL: String?
    public init(_ name: String, url: String? = nil, iconURL: String? = nil) {
      self.name = name
      self.url = url
      self.iconURL = iconURL
    }
    enum CodingKeys: String, CodingKey {
      case name, url
      case iconURL = "icon_url"
    }
  }

  public struct Field: Sendable, Hashable, Codable {
    public var name: String
    public var value: String
    public var isInline: Bool
    public init(_ name: String, _ value: String, isInline: Bool = false) {
      self.name = name
      self.value = value
      self.isInline = isInline
    }
    enum CodingKeys: String, CodingKey {
      case name, value
      case isInline = "inline"
    }
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      name = try container.decode(String.self, forKey: .name)
      value = try container.decode(String.self, forKey: .value)
      isInline = try container.decodeIfPresent(Bool.self, forKey: .isInline) ?? false
    }
  }

  public init(
    title: String? = nil, description: String? = nil, url: String? = nil, timestamp: Timestamp? = nil,
    color: Int? = nil, footer: Footer? = nil, image: Image? = nil, thumbnail: Image? = nil, author: Author? = nil,
    fields: [Field] = []
  ) {
    self.title = title
    self.description = description
    self.url = url
    self.timestamp = timestamp
    self.color = color
    self.footer = footer
    self.image = image
    self.thumbnail = thumbnail
    self.author = author
    self.fields = fields
  }

  enum CodingKeys: String, CodingKey {
    case title, description, url, timestamp, color, footer, image, thumbnail, author, fields
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    title = try container.decodeIfPresent(String.self, forKey: .title)
    description = try container.decodeIfPresent(String.self, forKey: .description)
    url = try container.decodeIfPresent(String.self, forKey: .url)
    timestamp = try container.decodeIfPresent(Timestamp.self, forKey: .timestamp)
    color = try container.decodeIfPresent(Int.self, forKey: .color)
    footer = try container.decodeIfPresent(Footer.self, forKey: .footer)
    image = try container.decodeIfPresent(Image.self, forKey: .image)
    thumbnail = try container.decodeIfPresent(Image.self, forKey: .thumbnail)
    author = try container.decodeIfPresent(Author.self, forKey: .author)
    fields = try container.decodeIfPresent([Field].self, forKey: .fields) ?? []
  }

  public init(json: JSONView) throws {
    url = try json.decodeIfPresent("url")
    title = try json.decodeIfPresent("title")
    timestamp = try json.decodeIfPresent("timestamp")
    thumbnail = try json.decodeIfPresent("thumbnail")
    image = try json.decodeIfPresent("image")
    footer = try json.decodeIfPresent("footer")
    fields = try json.decodeList("fields")
    description = try json.decodeIfPresent("description")
    color = try json.decodeIfPresent("color")
    author = try json.decodeIfPresent("author")
  }
}

extension Embed.Footer: JSONDecodable {
  public init(json: JSONView) throws {
    text = try json.decodeIfPresent("text") ?? ""
    iconURL = try json.decodeIfPresent("icon_url")
  }
}

extension Embed.Image: JSONDecodable {
  public init(json: JSONView) throws { url = try json.decodeIfPresent("url") ?? "" }
}

extension Embed.Author: JSONDecodable {
  public init(json: JSONView) throws {
    name = try json.decodeIfPresent("name") ?? ""
    url = try json.decodeIfPresent("url")
    iconURL = try json.decodeIfPresent("icon_url")
  }
}

extension Embed.Field: JSONDecodable {
  public init(json: JSONView) throws {
    name = try json.decode("name")
    value = try json.decode("value")
    isInline = json.flag("inline")
  }
}
