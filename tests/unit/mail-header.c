/* The header section as fields. */

#include <string.h>

#include <glib.h>

#include "base/failure.h"
#include "mail/header.h"

static void
test_line_kind (void)
{
  static const struct
  {
    const char *line;
    HeaderLine kind;
  } cases[] = {
    { "Subject: x", HEADER_LINE_FIELD },
    { "Subject:", HEADER_LINE_FIELD },
    { "Subject : x", HEADER_LINE_FIELD },
    { "Subject\t :x", HEADER_LINE_FIELD },
    { "X-1_2!:", HEADER_LINE_FIELD },
    { "/etc/cron.daily/x:", HEADER_LINE_FIELD },
    { "a:b:c", HEADER_LINE_FIELD },
    { " x", HEADER_LINE_CONTINUATION },
    { "\tx: y", HEADER_LINE_CONTINUATION },
    { " \r x", HEADER_LINE_CONTINUATION },
    { " \vx", HEADER_LINE_CONTINUATION },
    { "", HEADER_LINE_END },
    { " ", HEADER_LINE_END },
    { "\t  \t", HEADER_LINE_END },
    { "\r", HEADER_LINE_END },
    { " \r ", HEADER_LINE_END },
    { "Backup finished: ok", HEADER_LINE_OTHER },
    { "From a@x.example Sat Nov 21 03:14:47 2026", HEADER_LINE_OTHER },
    { ": x", HEADER_LINE_OTHER },
    { ".", HEADER_LINE_OTHER },
    { "text", HEADER_LINE_OTHER },
    { "\rSubject: x", HEADER_LINE_OTHER },
    { "Subj\rect: x", HEADER_LINE_OTHER },
    { "S\303\274bject: x", HEADER_LINE_OTHER },
    { "S\177: x", HEADER_LINE_OTHER },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].line);
      g_assert_cmpint (
          header_line_kind (cases[i].line, strlen (cases[i].line)), ==,
          cases[i].kind);
    }
  g_assert_cmpint (header_line_kind ("\0", 1), ==, HEADER_LINE_OTHER);
}

static void
add (Header *header, const char *line)
{
  g_autoptr (GError) error = NULL;

  header_add_line (header, line, strlen (line), &error);
  g_assert_no_error (error);
}

static void
check (const Header *header, const char *wanted)
{
  GString *text = header_to_string (header);

  g_assert_cmpstr (text->str, ==, wanted);
  g_string_free (text, TRUE);
}

static void
test_add_line (void)
{
  g_autoptr (Header) header = header_new ();

  add (header, "Subject : one two");
  add (header, "\tthree");
  add (header, "To:a@x.example");
  add (header, " ,b@x.example ");
  add (header, "  c");
  check (header, "Subject: one two\r\n\tthree\r\n"
                 "To:a@x.example\r\n ,b@x.example \r\n  c\r\n\r\n");
}

static void
test_fields (void)
{
  g_autoptr (Header) header = header_new ();

  add (header, "Bcc: a");
  add (header, " b");
  add (header, "To: c");
  add (header, "BCC: d");
  g_assert_cmpuint (header_count (header, "bcc"), ==, 2);
  g_assert_cmpstr (header_find (header, "bCC")->body, ==, " a\r\n b");
  g_assert_null (header_find (header, "Bc"));
  g_assert_cmpuint (header_remove (header, "bcc"), ==, 2);
  g_assert_cmpuint (header_remove (header, "bcc"), ==, 0);
  header_replace (header, header_find (header, "TO"), "e");
  header_prepend (header, "Date", " d");
  header_append (header, "X", "");
  add (header, "\tfolded");
  add (header, "Y:z");
  header_replace (header, header_find (header, "y"), "u\nv");
  check (header, "Date: d\r\nTo: e\r\nX: \r\n\tfolded\r\nY:u v\r\n\r\n");
}

/* No body that is set can begin a field or end the section. */
static void
test_injection (void)
{
  static const struct
  {
    const char *body, *kept;
  } cases[] = {
    { "a\r\n b", " a\r\n b" },    { "a\r\nBcc: b", " a  Bcc: b" },
    { "a\nBcc: b", " a Bcc: b" }, { "a\rBcc: b", " a Bcc: b" },
    { "a\n b", " a  b" },         { "a\r\r\n b", " a \r\n b" },
    { "a\r\n\r\nb", " a    b" },  { "a\r\n \r\n b", " a   \r\n b" },
    { "a\r\n", " a  " },          { "a\r\n ", " a   " },
    { "\r\n b", "\r\n b" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Header) header = header_new ();

      header_append (header, "X", cases[i].body);
      g_assert_cmpstr (header_find (header, "X")->body, ==, cases[i].kept);
    }
}

static void
test_unfold (void)
{
  static const struct
  {
    const char *body, *text;
  } cases[] = {
    { " a", "a" },          { "", "" },
    { "  \r\n\t ", "" },    { " a\r\n b \r\n\tc ", "a b \tc" },
    { "a\r\nb", "a\r\nb" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = header_unfold (cases[i].body);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

static void
test_limit_size (void)
{
  g_autoptr (Header) header = header_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *line = g_strnfill (1024, ' ');
  int lines = 0;

  add (header, "X: y");
  line[1] = 'x';
  while (header_add_line (header, line, 1024, &error))
    lines++;
  g_assert_error (error, FAILURE, FAILURE_DATA);
  g_assert_cmpint (lines, ==, (HEADER_MAXIMUM - 6) / 1026);
}

/* Time that grows with the square of the length would show here. */
static void
test_limit_lines (void)
{
  g_autoptr (Header) header = header_new ();
  g_autoptr (GError) error = NULL;
  int64_t start = g_get_monotonic_time ();

  add (header, "X:");
  while (header_add_line (header, " x", 2, &error))
    ;
  g_assert_error (error, FAILURE, FAILURE_DATA);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 5 * G_USEC_PER_SEC);
}

static void
test_limit_fields (void)
{
  g_autoptr (Header) header = header_new ();
  g_autoptr (GError) error = NULL;

  while (header_add_line (header, "X:", 2, &error))
    ;
  g_assert_error (error, FAILURE, FAILURE_DATA);
  g_assert_cmpuint (header->fields->len, ==, HEADER_MAXIMUM_FIELDS);
}

static void
test_refused (void)
{
  static const struct
  {
    const char *line;
    size_t length;
  } cases[] = {
    { "X: \0y", 5 }, { "X: a\rBcc: b@x.example", 22 }, { "X:\r", 3 },
    { " a\rb", 4 },  { " a\r\rb", 5 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Header) header = header_new ();
      g_autoptr (GError) error = NULL;

      add (header, "A: b");
      g_assert_false (
          header_add_line (header, cases[i].line, cases[i].length, &error));
      g_assert_error (error, FAILURE, FAILURE_DATA);
      check (header, "A: b\r\n\r\n");
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mail/header/line-kind", test_line_kind);
  g_test_add_func ("/mail/header/add-line", test_add_line);
  g_test_add_func ("/mail/header/fields", test_fields);
  g_test_add_func ("/mail/header/injection", test_injection);
  g_test_add_func ("/mail/header/unfold", test_unfold);
  g_test_add_func ("/mail/header/limit-size", test_limit_size);
  g_test_add_func ("/mail/header/limit-lines", test_limit_lines);
  g_test_add_func ("/mail/header/limit-fields", test_limit_fields);
  g_test_add_func ("/mail/header/refused", test_refused);
  return g_test_run ();
}
