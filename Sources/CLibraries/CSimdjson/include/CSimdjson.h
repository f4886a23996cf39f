#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A simdjson DOM parser. It owns the tape and the string buffer of the last document that it parsed.
typedef struct adj_json_parser adj_json_parser;

// Where the parsed document lies: both pointers belong to the parser and are valid until its next parse or its end.
// The layout is simdjson's tape (its doc/tape.md): 64-bit words, the type in the top byte, the payload below.
typedef struct {
  const uint64_t *tape;
  const uint8_t *strings;
} adj_json_document;

// NULL when memory is out. `max_depth` bounds nesting.
adj_json_parser *adj_json_parser_create(size_t max_depth);
void adj_json_parser_destroy(adj_json_parser *parser);

// How many bytes must be readable (any value) behind the text that is given to adj_json_parse_padded.
size_t adj_json_padding(void);

// Parses `length` bytes. The padded form reads in place, the other copies first. Returns 0 or simdjson's error code.
int adj_json_parse_padded(adj_json_parser *parser, const uint8_t *bytes, size_t length, adj_json_document *document);
int adj_json_parse(adj_json_parser *parser, const uint8_t *bytes, size_t length, adj_json_document *document);

// A static English description of an error code.
const char *adj_json_error_message(int code);

#ifdef __cplusplus
}
#endif
