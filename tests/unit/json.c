/* JSON, whatever the octets are. */

#include <string.h>

#include <glib.h>

#include "cli/json.h"

static void
test_strings (void)
{
  static const struct
  {
    const char *text;
    const char *json;
  } cases[] = {
    { "", "\"\"" },
    { "plain", "\"plain\"" },
    { "say \"yes\"", "\"say \\\"yes\\\"\"" },
    { "a\\b", "\"a\\\\b\"" },
    { "a\nb\tc\rd\be\x01", "\"a\\u000ab\\u0009c\\u000dd\\u0008e\\u0001\"" },
    { "\x1b[31m", "\"\\u001b[31m\"" },
    { "\x7f", "\"\\u007f\"" },
    { "\xc2\x9b", "\"\\u009b\"" },
    { "\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\"" },
    { "\xe2\x80\xae\xe2\x81\xa6", "\"\\u202e\\u2066\"" },
    { "Gr\xc3\xbc\xc3\x9f", "\"Gr\xc3\xbc\xc3\x9f\"" },
    { "\xf0\x9f\x93\xae", "\"\xf0\x9f\x93\xae\"" },
    { "a\xff"
      "b",
      "\"a\xef\xbf\xbd"
      "b\"" },
    { "cut \xc3", "\"cut \xef\xbf\xbd\"" },
    { "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
    { "</script>", "\"</script>\"" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) out = g_string_new (NULL);

      json_string (out, NULL, cases[i].text);
      g_assert_cmpstr (out->str, ==, cases[i].json);
    }
}

static void
test_structure (void)
{
  g_autoptr (GString) out = g_string_new (NULL);

  json_open (out, NULL, '{');
  json_string (out, "a", "ends in {");
  json_integer (out, "b", INT64_MIN);
  json_boolean (out, "c", true);
  json_boolean (out, "d", false);
  json_null (out, "e");
  json_open (out, "f", '[');
  json_close (out, ']');
  json_open (out, "g", '[');
  json_string (out, NULL, "[");
  json_open (out, NULL, '{');
  json_close (out, '}');
  json_integer (out, NULL, 0);
  json_close (out, ']');
  json_close (out, '}');
  g_string_append_c (out, '\n');
  json_open (out, NULL, '{');
  json_close (out, '}');
  g_assert_cmpstr (out->str, ==,
                   "{\"a\":\"ends in {\",\"b\":-9223372036854775808,"
                   "\"c\":true,\"d\":false,\"e\":null,\"f\":[],"
                   "\"g\":[\"[\",{},0]}\n{}");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json/strings", test_strings);
  g_test_add_func ("/json/structure", test_structure);
  return g_test_run ();
}
