#include "CJSONOracle.h"

#include <cstdlib>
#include <cstring>
#include <simdjson.h>
#include <string>

using namespace simdjson;

static void describe(std::string &to, std::string_view text) {
  to += 's' + std::to_string(text.size()) + ':';
  to += text;
}

static void describe(std::string &to, dom::element value) {
  switch (value.type()) {
  case dom::element_type::NULL_VALUE: to += 'n'; break;
  case dom::element_type::BOOL: to += value.get_bool().value_unsafe() ? 't' : 'f'; break;
  case dom::element_type::INT64: to += 'i' + std::to_string(value.get_int64().value_unsafe()) + ';'; break;
  case dom::element_type::UINT64: to += 'i' + std::to_string(value.get_uint64().value_unsafe()) + ';'; break;
  case dom::element_type::DOUBLE: {
    double number = value.get_double().value_unsafe();
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    char digits[32];
    snprintf(digits, sizeof digits, "d%016llx;", static_cast<unsigned long long>(bits));
    to += digits;
    break;
  }
  case dom::element_type::STRING: describe(to, value.get_string().value_unsafe()); break;
  case dom::element_type::ARRAY:
    to += '[';
    for (auto element : value.get_array().value_unsafe()) describe(to, element);
    to += ']';
    break;
  case dom::element_type::OBJECT:
    to += '{';
    for (auto member : value.get_object().value_unsafe()) {
      describe(to, member.key);
      describe(to, member.value);
    }
    to += '}';
    break;
  }
}

char *adj_oracle_describe(const uint8_t *text, size_t length, size_t *description_length) {
  dom::parser parser;
  if (parser.allocate(length + 64, 128) != SUCCESS) return nullptr;
  dom::element root;
  if (parser.parse(text, length, true).get(root) != SUCCESS) return nullptr;
  std::string description;
  describe(description, root);
  auto *result = static_cast<char *>(malloc(description.size() + 1));
  if (result == nullptr) return nullptr;
  memcpy(result, description.data(), description.size());
  *description_length = description.size();
  return result;
}
