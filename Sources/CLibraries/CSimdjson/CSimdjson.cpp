#include "CSimdjson.h"

#include <new>
#include <simdjson.h>

struct adj_json_parser {
  simdjson::dom::parser parser;
  size_t max_depth;
};

adj_json_parser *adj_json_parser_create(size_t max_depth) {
  auto *created = new (std::nothrow) adj_json_parser();
  if (created == nullptr) return nullptr;
  created->max_depth = max_depth;
  if (created->parser.allocate(4096, max_depth) != simdjson::SUCCESS) {
    delete created;
    return nullptr;
  }
  return created;
}

void adj_json_parser_destroy(adj_json_parser *parser) { delete parser; }

size_t adj_json_padding(void) { return simdjson::SIMDJSON_PADDING; }

static int parse(adj_json_parser *parser, const uint8_t *bytes, size_t length, bool copy, adj_json_document *document) {
  // simdjson's own growth falls back to its default depth; growing here keeps ours.
  if (length > parser->parser.capacity()) {
    auto error = parser->parser.allocate(length + length / 2, parser->max_depth);
    if (error != simdjson::SUCCESS) return error;
  }
  simdjson::dom::element root;
  auto error = parser->parser.parse(bytes, length, copy).get(root);
  if (error != simdjson::SUCCESS) return error;
  document->tape = parser->parser.doc.tape.get();
  document->strings = parser->parser.doc.string_buf.get();
  return 0;
}

int adj_json_parse_padded(adj_json_parser *parser, const uint8_t *bytes, size_t length, adj_json_document *document) {
  return parse(parser, bytes, length, false, document);
}

int adj_json_parse(adj_json_parser *parser, const uint8_t *bytes, size_t length, adj_json_document *document) {
  return parse(parser, bytes, length, true, document);
}

const char *adj_json_error_message(int code) {
  return simdjson::error_message(static_cast<simdjson::error_code>(code));
}
