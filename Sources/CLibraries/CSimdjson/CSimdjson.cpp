#include "CSimdjson.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <simdjson.h>

namespace {

// Texts up to this size need no memory beyond what a parser keeps for good.
constexpr size_t usual_size = 64 << 10;
// After so many usual texts in a row the memory of larger ones is given back.
constexpr unsigned patience = 256;
// What the 28 bits of a node's size can say.
constexpr size_t maximum_size = (size_t(1) << 28) - 1;
// And the 20 bits of a name's length.
constexpr size_t maximum_name = (size_t(1) << 20) - 1;

constexpr uint64_t node(unsigned kind, size_t size, size_t place) {
  return uint64_t(kind) << 60 | uint64_t(size) << 32 | uint64_t(place);
}

bool is_space(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }
bool is_digit(uint8_t byte) { return uint8_t(byte - '0') <= 9; }

struct Open {
  uint64_t *node;
  uint32_t count;
  bool is_object;
};

}  // namespace

struct adj_json_parser {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage;
  size_t max_depth = 0;
  std::unique_ptr<uint64_t[]> nodes;
  size_t node_capacity = 0;
  std::unique_ptr<uint8_t[]> strings;
  size_t string_capacity = 0;
  std::unique_ptr<uint8_t[]> copy;
  size_t copy_capacity = 0;
  std::unique_ptr<Open[]> open;
  unsigned usual_texts = 0;

  bool reserve(size_t length) {
    if (length > usual_size) {
      usual_texts = 0;
    } else if (stage->capacity() > usual_size && ++usual_texts > patience) {
      nodes.reset();
      strings.reset();
      copy.reset();
      node_capacity = string_capacity = copy_capacity = 0;
      return stage->allocate(usual_size, 1) == simdjson::SUCCESS;
    }
    if (length <= stage->capacity()) return true;
    size_t capacity = length <= usual_size ? usual_size : length + length / 2;
    return stage->allocate(capacity, 1) == simdjson::SUCCESS;
  }
};

namespace {

template <typename Element>
bool grow(std::unique_ptr<Element[]> &memory, size_t &capacity, size_t needed) {
  if (needed <= capacity) return true;
  size_t size = needed + needed / 2;
  memory.reset(new (std::nothrow) Element[size]);
  capacity = memory ? size : 0;
  return memory != nullptr;
}

bool read_hex(const uint8_t *at, const uint8_t *end, uint32_t &value) {
  if (end - at < 4) return false;
  value = 0;
  for (int i = 0; i < 4; ++i) {
    uint8_t byte = at[i];
    uint8_t letter = byte | 0x20;
    if (is_digit(byte)) {
      value = value << 4 | uint32_t(byte - '0');
    } else if (letter >= 'a' && letter <= 'f') {
      value = value << 4 | uint32_t(letter - 'a' + 10);
    } else {
      return false;
    }
  }
  return true;
}

uint8_t *write_utf8(uint8_t *to, uint32_t scalar) {
  if (scalar < 0x80) {
    *to++ = uint8_t(scalar);
  } else if (scalar < 0x800) {
    *to++ = uint8_t(0xC0 | scalar >> 6);
    *to++ = uint8_t(0x80 | (scalar & 0x3F));
  } else if (scalar < 0x10000) {
    *to++ = uint8_t(0xE0 | scalar >> 12);
    *to++ = uint8_t(0x80 | (scalar >> 6 & 0x3F));
    *to++ = uint8_t(0x80 | (scalar & 0x3F));
  } else {
    *to++ = uint8_t(0xF0 | scalar >> 18);
    *to++ = uint8_t(0x80 | (scalar >> 12 & 0x3F));
    *to++ = uint8_t(0x80 | (scalar >> 6 & 0x3F));
    *to++ = uint8_t(0x80 | (scalar & 0x3F));
  }
  return to;
}

// Resolves the escapes of from..<end, the first of which is at `escape`. What comes out is never longer than what went
// in. Returns the end of what was written, or NULL if an escape is none.
uint8_t *unescape(const uint8_t *from, const uint8_t *escape, const uint8_t *end, uint8_t *to) {
  while (escape != nullptr) {
    memcpy(to, from, size_t(escape - from));
    to += escape - from;
    if (end - escape < 2) return nullptr;
    from = escape + 2;
    switch (escape[1]) {
    case '"': case '\\': case '/': *to++ = escape[1]; break;
    case 'b': *to++ = '\b'; break;
    case 'f': *to++ = '\f'; break;
    case 'n': *to++ = '\n'; break;
    case 'r': *to++ = '\r'; break;
    case 't': *to++ = '\t'; break;
    case 'u': {
      uint32_t scalar;
      if (!read_hex(from, end, scalar)) return nullptr;
      from += 4;
      if (scalar >= 0xDC00 && scalar < 0xE000) return nullptr;
      if (scalar >= 0xD800 && scalar < 0xDC00) {
        uint32_t low;
        if (end - from < 6 || from[0] != '\\' || from[1] != 'u' || !read_hex(from + 2, end, low)) return nullptr;
        if (low < 0xDC00 || low >= 0xE000) return nullptr;
        scalar = 0x10000 + ((scalar - 0xD800) << 10) + (low - 0xDC00);
        from += 6;
      }
      to = write_utf8(to, scalar);
      break;
    }
    default: return nullptr;
    }
    escape = static_cast<const uint8_t *>(memchr(from, '\\', size_t(end - from)));
  }
  memcpy(to, from, size_t(end - from));
  return to + (end - from);
}

// Checks the number in from..<end, behind which only blanks may stand. Returns its kind, or -1.
int number_kind(const uint8_t *from, const uint8_t *end, size_t &length) {
  const uint8_t *at = from;
  bool is_negative = *at == '-';
  if (is_negative) ++at;
  const uint8_t *digits = at;
  while (at < end && is_digit(*at)) ++at;
  size_t count = size_t(at - digits);
  if (count == 0 || (count > 1 && *digits == '0')) return -1;
  bool is_whole = true;
  if (at < end && *at == '.') {
    is_whole = false;
    const uint8_t *fraction = ++at;
    while (at < end && is_digit(*at)) ++at;
    if (at == fraction) return -1;
  }
  if (at < end && (*at | 0x20) == 'e') {
    is_whole = false;
    ++at;
    if (at < end && (*at == '+' || *at == '-')) ++at;
    const uint8_t *exponent = at;
    while (at < end && is_digit(*at)) ++at;
    if (at == exponent) return -1;
  }
  if (at < end && !is_space(*at)) return -1;
  length = size_t(at - from);
  if (!is_whole) return std::isfinite(adj_json_double(from, length)) ? ADJ_JSON_DOUBLE : -1;
  if (count < 19) return ADJ_JSON_INTEGER;
  uint64_t value = 0;
  for (at = digits; at < digits + count; ++at) {
    if (__builtin_mul_overflow(value, uint64_t(10), &value)) return -1;
    if (__builtin_add_overflow(value, uint64_t(*at - '0'), &value)) return -1;
  }
  if (is_negative) return value <= uint64_t(1) << 63 ? ADJ_JSON_INTEGER : -1;
  return value <= uint64_t(INT64_MAX) ? ADJ_JSON_INTEGER : ADJ_JSON_UNSIGNED;
}

// Whether from..<end is the word and blanks. What is no blank behind a blank would have an index of its own.
bool is_word(const uint8_t *from, const uint8_t *end, const char *word, size_t length) {
  size_t have = size_t(end - from);
  return have >= length && memcmp(from, word, length) == 0 && (have == length || is_space(from[length]));
}

// One string between the quotes: its node without a kind's special bits, and its first byte.
struct String {
  uint64_t node;
  const uint8_t *bytes;
  size_t size;
};

// The strings of one text.
struct Strings {
  adj_json_parser &parser;
  const uint8_t *text;
  size_t length;
  size_t used = 0;
  // The first backslash behind the last place that was looked at, or the end of the text.
  size_t backslash = 0;

  // The string that opens at `quote`; behind it nothing but blanks stands until `stop`.
  __attribute__((always_inline)) int read(size_t quote, size_t stop, String &string) {
    size_t start = quote + 1;
    size_t close = stop - 1;
    // The quote itself in what machines write, blanks in what people do. `stop` is behind `quote`: no place before it.
    if (__builtin_expect(text[close] != '"', false)) {
      while (close > quote && is_space(text[close])) --close;
      if (text[close] != '"') return simdjson::STRING_ERROR;
    }
    // The first stage has seen that every string is closed, so this is for safety alone.
    if (close < start) return simdjson::STRING_ERROR;
    if (backslash < start) find_backslash(start);
    if (backslash < close) return resolve(start, close, string);
    string = String{node(ADJ_JSON_STRING, close - start, start), text + start, close - start};
    return simdjson::SUCCESS;
  }

  __attribute__((noinline)) void find_backslash(size_t start) {
    auto *found = static_cast<const uint8_t *>(memchr(text + start, '\\', length - start));
    backslash = found ? size_t(found - text) : length;
  }

  __attribute__((noinline)) int resolve(size_t start, size_t close, String &string) {
    if (used == 0 && !grow(parser.strings, parser.string_capacity, length)) return simdjson::MEMALLOC;
    uint8_t *to = parser.strings.get() + used;
    uint8_t *written = unescape(text + start, text + backslash, text + close, to);
    if (written == nullptr) return simdjson::STRING_ERROR;
    size_t size = size_t(written - to);
    string = String{node(ADJ_JSON_ESCAPED, size, used), to, size};
    used += size;
    return simdjson::SUCCESS;
  }
};

// Checks the scalar, no string, in from..<end, behind which only blanks may stand.
int read_scalar(const uint8_t *from, const uint8_t *end, size_t place, uint64_t &result) {
  size_t size = 0;
  int kind;
  switch (*from) {
  case 't':
    if (!is_word(from, end, "true", 4)) return simdjson::T_ATOM_ERROR;
    kind = ADJ_JSON_TRUE;
    break;
  case 'f':
    if (!is_word(from, end, "false", 5)) return simdjson::F_ATOM_ERROR;
    kind = ADJ_JSON_FALSE;
    break;
  case 'n':
    if (!is_word(from, end, "null", 4)) return simdjson::N_ATOM_ERROR;
    kind = ADJ_JSON_NULL;
    break;
  case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
    kind = number_kind(from, end, size);
    if (kind < 0) return simdjson::NUMBER_ERROR;
    break;
  default: return simdjson::TAPE_ERROR;
  }
  result = node(unsigned(kind), size, place);
  return simdjson::SUCCESS;
}

// Writes the nodes of a text from its structural indexes: the places of { } [ ] : , and of the first byte of every
// scalar. Nothing but a blank stands between a scalar's last byte and the next index.
int build(adj_json_parser *parser, const uint8_t *text, size_t length, const uint32_t *index, const uint32_t *end) {
  Strings strings{*parser, text, length};
  String string;
  uint64_t *next = parser->nodes.get();
  Open *const outermost = parser->open.get();
  Open *const deepest = outermost + parser->max_depth - 1;
  // The container that is being read, one behind the last entry.
  Open *open = outermost;
  bool is_object = false;
  uint32_t count = 0;
  uint64_t *container = nullptr;

value: {
  if (index == end) return simdjson::TAPE_ERROR;
  size_t place = *index++;
  uint8_t byte = text[place];
  if (__builtin_expect(byte == '"', true)) {
    if (int error = strings.read(place, index == end ? length : *index, string)) return error;
    *next++ = string.node;
  } else if (byte == '{' || byte == '[') {
    if (open >= deepest) return simdjson::DEPTH_ERROR;
    *open++ = Open{container, count, is_object};
    is_object = byte == '{';
    container = next;
    count = 0;
    if (index == end) return simdjson::TAPE_ERROR;
    if (is_object) {
      next[1] = 3;
      next[2] = 0;
      next += 3;
      if (text[*index] != '}') goto name;
    } else {
      next += 1;
      if (text[*index] != ']') goto value;
    }
    ++index;
    goto close;
  } else {
    if (int error = read_scalar(text + place, text + (index == end ? length : *index), place, *next)) return error;
    ++next;
  }
}

behind: {
  if (open == outermost) return index == end ? simdjson::SUCCESS : simdjson::TAPE_ERROR;
  ++count;
  if (index == end) return simdjson::TAPE_ERROR;
  uint8_t byte = text[*index++];
  if (byte == ',') {
    if (is_object) goto name;
    goto value;
  }
  if (byte == (is_object ? '}' : ']')) goto close;
  return simdjson::TAPE_ERROR;
}

name: {
  if (end - index < 2 || text[index[0]] != '"' || text[index[1]] != ':') return simdjson::TAPE_ERROR;
  if (int error = strings.read(index[0], index[1], string)) return error;
  if (string.size > maximum_name) return simdjson::CAPACITY;
  uint64_t signature = string.size == 0 ? 0 : adj_json_signature(string.bytes, string.size);
  *next++ = string.node | signature << 52;
  container[2] |= uint64_t(1) << (signature & 63);
  index += 2;
  goto value;
}

close:
  *container = node(is_object ? ADJ_JSON_OBJECT : ADJ_JSON_ARRAY, size_t(next - container), count);
  --open;
  container = open->node;
  count = open->count;
  is_object = open->is_object;
  goto behind;
}

int parse(adj_json_parser *parser, const uint8_t *text, size_t length, adj_json_document *document) {
  auto &stage = *parser->stage;
  if (auto error = stage.stage1(text, length, simdjson::stage1_mode::regular)) return error;
  size_t count = stage.n_structural_indexes;
  // A container that is closed has two indexes for up to three nodes, one that is not yet closed one; all else has at
  // least an index for each node.
  if (!grow(parser->nodes, parser->node_capacity, count + count / 2 + 2 * parser->max_depth)) {
    return simdjson::MEMALLOC;
  }
  const uint32_t *indexes = stage.structural_indexes.get();
  if (int error = build(parser, text, length, indexes, indexes + count)) return error;
  document->nodes = parser->nodes.get();
  document->text = text;
  document->strings = parser->strings.get();
  return simdjson::SUCCESS;
}

}  // namespace

adj_json_parser *adj_json_parser_create(size_t max_depth) {
  std::unique_ptr<adj_json_parser> created(new (std::nothrow) adj_json_parser());
  if (!created) return nullptr;
  created->max_depth = max_depth > 0 ? max_depth : 1;
  created->open.reset(new (std::nothrow) Open[created->max_depth]);
  if (!created->open) return nullptr;
  auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(4096, 1, created->stage);
  return error == simdjson::SUCCESS ? created.release() : nullptr;
}

void adj_json_parser_destroy(adj_json_parser *parser) { delete parser; }

size_t adj_json_padding(void) { return simdjson::SIMDJSON_PADDING; }

int adj_json_parse_padded(adj_json_parser *parser, const uint8_t *bytes, size_t length, adj_json_document *document) {
  if (length > maximum_size) return simdjson::CAPACITY;
  if (!parser->reserve(length)) return simdjson::MEMALLOC;
  return parse(parser, bytes, length, document);
}

int adj_json_parse(adj_json_parser *parser, const uint8_t *bytes, size_t length, adj_json_document *document) {
  if (length > maximum_size) return simdjson::CAPACITY;
  if (!parser->reserve(length)) return simdjson::MEMALLOC;
  size_t padded = length + simdjson::SIMDJSON_PADDING;
  if (!grow(parser->copy, parser->copy_capacity, padded)) return simdjson::MEMALLOC;
  memcpy(parser->copy.get(), bytes, length);
  memset(parser->copy.get() + length, 0, simdjson::SIMDJSON_PADDING);
  return parse(parser, parser->copy.get(), length, document);
}

double adj_json_double(const uint8_t *text, size_t length) {
  auto *from = reinterpret_cast<const char *>(text);
  double value = 0;
  auto result = std::from_chars(from, from + length, value);
  if (result.ec != std::errc::result_out_of_range) return value;
  // Too large or too close to zero: from_chars does not say which.
  auto *copy = static_cast<char *>(malloc(length + 1));
  if (copy == nullptr) return HUGE_VAL;
  memcpy(copy, from, length);
  copy[length] = 0;
  value = strtod(copy, nullptr);
  free(copy);
  return value;
}

const char *adj_json_error_message(int code) {
  return simdjson::error_message(static_cast<simdjson::error_code>(code));
}
