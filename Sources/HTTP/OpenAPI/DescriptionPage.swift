import Platform

/// A page that shows an OpenAPI document to people: one file without scripts, so that it works from anywhere.
struct DescriptionPage {
  private let document: JSON
  private let documentURL: String

  init(_ document: JSON, documentURL: String) {
    self.document = document
    self.documentURL = documentURL
  }

  /// Nothing but the page's own style.
  var policy: String {
    let hash = (try? Crypto.sha256(Array(Self.style.utf8))).map { Base64.encode($0) } ?? ""
    return "default-src 'none'; style-src 'sha256-\(hash)'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  }

  func html() -> String {
    let title = document["info"]?["title"]?.string ?? "API"
    let groups = self.groups()
    let navigation = groups.map { group in
      "<li><a href=\"#\(Self.anchor(group.tag))\">\(Self.escape(group.tag))</a> <small>\(group.operations.count)</small></li>"
    }.joined()
    return """
      <!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1"><title>\(Self.escape(title))</title>
      <style>\(Self.style)</style></head><body>
      <nav><ul>\(navigation)</ul><p><a href="\(Self.escape(documentURL))">openapi.json</a></p></nav>
      <main><h1>\(Self.escape(title)) <small>\(Self.escape(document["info"]?["version"]?.string ?? ""))</small></h1>
      \(Self.paragraphs(document["info"]?["description"]?.string))\(securitySchemes())
      \(groups.map(section).joined())\(schemas())</main></body></html>
      """
  }

  private struct Operation {
    let method: String
    let path: String
    let description: JSON
  }

  private func groups() -> [(tag: String, operations: [Operation])] {
    var groups: [(tag: String, operations: [Operation])] = []
    for (path, item) in document["paths"]?.object ?? [:] {
      for (method, operation) in item.object ?? [:] {
        let tag = operation["tags"]?[0]?.string ?? "Operations"
        let entry = Operation(method: method.uppercased(), path: path, description: operation)
        if let index = groups.firstIndex(where: { $0.tag == tag }) {
          groups[index].operations.append(entry)
        } else {
          groups.append((tag, [entry]))
        }
      }
    }
    return groups
  }

  private func section(_ group: (tag: String, operations: [Operation])) -> String {
    "<section><h2 id=\"\(Self.anchor(group.tag))\">\(Self.escape(group.tag))</h2>"
      + group.operations.map(operation).joined() + "</section>"
  }

  private func operation(_ operation: Operation) -> String {
    let it = operation.description
    let method = operation.method.lowercased()
    var text =
      "<details id=\"\(Self.escape(it["operationId"]?.string ?? ""))\"><summary><b class=\"\(method)\">\(operation.method)</b> "
      + "<code>\(Self.escape(operation.path))</code> <span>\(Self.escape(it["summary"]?.string ?? ""))</span>"
    if it["deprecated"]?.bool == true { text += " <em>deprecated</em>" }
    text += "</summary>" + Self.paragraphs(it["description"]?.string)
    if let security = it["security"]?.array {
      let names = security.flatMap { $0.object?.keys ?? [] }
      text += "<p>Needs: \(Self.escape(names.isEmpty ? "nothing" : names.joined(separator: " or ")))</p>"
    }
    if let parameters = it["parameters"]?.array {
      text += "<h4>Parameters</h4><table>" + parameters.map(parameter).joined() + "</table>"
    }
    for (type, media) in it["requestBody"]?["content"]?.object ?? [:] {
      text += "<h4>Body <small>\(Self.escape(type))</small></h4>" + shape(media["schema"] ?? [:])
    }
    text += "<h4>Answers</h4><table>"
    for (status, response) in it["responses"]?.object ?? [:] {
      let content = response["content"]?.object
      let schema = content?.keys.first.flatMap { content?[$0]?["schema"] }
      text +=
        "<tr><td><code>\(Self.escape(status))</code></td><td>\(Self.escape(response["description"]?.string ?? ""))</td>"
      text += "<td>\(schema.map(type) ?? "")</td></tr>"
    }
    return text + "</table></details>"
  }

  private func parameter(_ parameter: JSON) -> String {
    let schema = parameter["schema"] ?? [:]
    let isRequired = parameter["required"]?.bool == true
    return "<tr><td><code>\(Self.escape(parameter["name"]?.string ?? ""))</code>\(isRequired ? "<i>*</i>" : "")</td>"
      + "<td>\(Self.escape(parameter["in"]?.string ?? ""))</td><td>\(type(schema))</td>"
      + "<td>\(Self.escape(parameter["description"]?.string ?? ""))</td></tr>"
  }

  // MARK: Schemas

  private func schemas() -> String {
    guard let schemas = document["components"]?["schemas"]?.object, !schemas.isEmpty else { return "" }
    return "<section><h2 id=\"schemas\">Schemas</h2>"
      + schemas.map { name, schema in
        "<details id=\"schema-\(Self.escape(name))\"><summary><code>\(Self.escape(name))</code> "
          + "<span>\(Self.escape(schema["description"]?.string ?? ""))</span></summary>\(shape(schema))</details>"
      }.joined() + "</section>"
  }

  private func shape(_ schema: JSON) -> String {
    guard let properties = schema["properties"]?.object else { return "<p>\(type(schema))</p>" }
    let required = Set((schema["required"]?.array ?? []).compactMap(\.string))
    return "<table>"
      + properties.map { name, property in
        "<tr><td><code>\(Self.escape(name))</code>\(required.contains(name) ? "<i>*</i>" : "")</td><td>\(type(property))</td>"
          + "<td>\(Self.escape(property["description"]?.string ?? ""))</td></tr>"
      }.joined() + "</table>"
  }

  /// A schema in one line.
  private func type(_ schema: JSON) -> String {
    if let reference = schema["$ref"]?.string, let name = reference.split(separator: "/").last {
      return "<a href=\"#schema-\(Self.escape(String(name)))\">\(Self.escape(String(name)))</a>"
    }
    if let any = schema["anyOf"]?.array { return any.map(type).joined(separator: " or ") }
    let types = schema["type"]?.array?.compactMap(\.string) ?? schema["type"]?.string.map { [$0] } ?? []
    var text = Self.escape(types.isEmpty ? "anything" : types.joined(separator: " or "))
    if let items = schema["items"] { text = "list of " + type(items) }
    if let values = schema["additionalProperties"], values.object != nil { text = "map of " + type(values) }
    if let values = schema["enum"]?.array {
      text = values.compactMap { $0.string.map { "<code>\(Self.escape($0))</code>" } }.joined(separator: " ")
    }
    let rules = [
      "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "format", "default",
    ]
    let words = rules.compactMap { rule in
      schema[rule].flatMap { value -> String? in
        if value.integer == .min || value.integer == .max { return nil }
        return "\(rule) \(Self.escape(value.string ?? value.serialized()))"
      }
    }
    if !words.isEmpty { text += " <small>\(words.joined(separator: ", "))</small>" }
    if let example = schema["examples"]?[0] {
      text += " <small>such as <code>\(Self.escape(example.string ?? example.serialized()))</code></small>"
    }
    return text
  }

  private func securitySchemes() -> String {
    guard let schemes = document["components"]?["securitySchemes"]?.object, !schemes.isEmpty else { return "" }
    return "<table>"
      + schemes.map { name, scheme in
        "<tr><td><code>\(Self.escape(name))</code></td><td>\(Self.escape(scheme["type"]?.string ?? "")) "
          + "\(Self.escape(scheme["scheme"]?.string ?? ""))</td>"
          + "<td>\(Self.escape(scheme["description"]?.string ?? ""))</td></tr>"
      }.joined() + "</table>"
  }

  // MARK: Text

  static func escape(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }

  private static func anchor(_ text: String) -> String {
    "tag-" + String(text.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
  }

  private static func paragraphs(_ text: String?) -> String {
    guard let text, !text.isEmpty else { return "" }
    return text.split(separator: "\n\n").map { "<p>\(escape(String($0)))</p>" }.joined()
  }

  private static let style = """
    :root{color-scheme:light dark;--line:#8884;--soft:#8882}
    *{box-sizing:border-box}
    body{margin:0;font:15px/1.5 system-ui,sans-serif;display:flex;min-height:100vh}
    nav{flex:0 0 14rem;padding:1.5rem 1rem;border-right:1px solid var(--line);position:sticky;top:0;height:100vh;overflow:auto}
    nav ul{list-style:none;margin:0;padding:0}
    main{flex:1;min-width:0;max-width:64rem;padding:1rem 2rem 4rem}
    h1{font-size:1.7rem;margin:.5rem 0}h2{font-size:1.25rem;margin:2rem 0 .5rem}h4{margin:1rem 0 .25rem}
    small{opacity:.7;font-weight:normal}a{color:#3b6fd6}
    details{border:1px solid var(--line);border-radius:6px;margin:.4rem 0;padding:0 .75rem}
    details[open]{padding-bottom:.75rem}
    summary{cursor:pointer;padding:.5rem 0}summary span{opacity:.75;margin-left:.5rem}
    summary b{display:inline-block;min-width:4.5rem;text-align:center;border-radius:4px;color:#fff;background:#5865a0;font-size:.8rem;padding:.1rem .4rem}
    summary b.get{background:#2f7d4f}summary b.post{background:#2c66b8}summary b.put,summary b.patch{background:#96690f}
    summary b.delete{background:#b03a3a}
    code{font:13px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
    table{border-collapse:collapse;width:100%}td{border-top:1px solid var(--soft);padding:.3rem .6rem .3rem 0;vertical-align:top}
    td:first-child{white-space:nowrap}td i{color:#c33;font-style:normal}
    @media(max-width:46rem){body{display:block}nav{position:static;height:auto;border-right:0;border-bottom:1px solid var(--line)}main{padding:1rem}}
    """
}
