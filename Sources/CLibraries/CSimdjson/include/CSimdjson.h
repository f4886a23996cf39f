#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Reads a JSON text into a flat array of 64-bit words ("nodes"), one per value or member name, containers one more.
//
// simdjson's first stage finds the structure and checks the UTF-8; what follows here checks the grammar and every
// scalar, but copies no string and converts no number: most of what Discord sends is never looked at. A refused text
// leaves nothing behind that could be read.
typedef struct adj_json_parser adj_json_parser;

// A node, from its highest bits down: 4 bits kind, 28 bits size, 32 bits place.
//   scalar     size: its bytes, for a string those between the quotes; place: where they begin in the text
//   escaped    a string with escapes, resolved; place: where it begins in `strings`
//   name       of a member, a string or escaped one; of the size the upper 8 bits are its signature, 20 its bytes
//   array      size: how many nodes it takes, this one included; place: how many elements it has; these follow
//   object     the same; two words follow before the members (name, value): one that belongs to the reader, who finds a
//              3 in it, and one in which for each name the bit is set whose number the signature has in its lower 6 bits
enum {
  ADJ_JSON_NULL,
  ADJ_JSON_FALSE,
  ADJ_JSON_TRUE,
  ADJ_JSON_INTEGER,   // fits an int64_t
  ADJ_JSON_UNSIGNED,  // fits only a uint64_t
  ADJ_JSON_DOUBLE,
  ADJ_JSON_STRING,
  ADJ_JSON_ESCAPED,
  ADJ_JSON_ARRAY,
  ADJ_JSON_OBJECT,
};

// What most names differ in. `length` is at least 1; an empty name has the signature 0.
static inline unsigned adj_json_signature(const uint8_t *name, size_t length) {
  return (name[0] + name[length - 1] * 4u + (unsigned)length * 2u) & 0xFF;
}

// Where a document lies. The memory belongs to the parser (`text` to the caller if it was padded) and ends with the
// parser's next document.
typedef struct {
  uint64_t *nodes;
  const uint8_t *text;
  const uint8_t *strings;
} adj_json_document;

// NULL when memory is out. Nesting must stay below `max_depth`.
adj_json_parser *adj_json_parser_create(size_t max_depth);
void adj_json_parser_destroy(adj_json_parser *parser);

// How many bytes must be readable (any value) behind the text that is given to adj_json_parse_padded.
size_t adj_json_padding(void);

// Parses `length` bytes. The padded form reads in place, the other copies first. Returns 0 or simdjson's error code.
int adj_json_parse_padded(adj_json_parser *parser, const uint8_t *bytes, size_t length, adj_json_document *document);
int adj_json_parse(adj_json_parser *parser, const uint8_t *bytes, size_t length, adj_json_document *document);

// The value of a number that a parser has accepted.
double adj_json_double(const uint8_t *text, size_t length);

// A static English description of an error code.
const char *adj_json_error_message(int code);

#ifdef __cplusplus
}
#endif
