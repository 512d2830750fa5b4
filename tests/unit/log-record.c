/* Lines of the log, as a file, a syslog and the journal have them. */

#include <string.h>

#include <glib.h>

#include "cli/log-record.h"

#define NOW 1795271525 /* 2026-11-21 14:32:05 UTC */

static LogRecord *
parse (const char *line)
{
  return log_record_parse (line, strlen (line), NOW, 0);
}

static void
test_dates (void)
{
  static const struct
  {
    const char *line;
    int64_t time; /* 0: none of ours */
  } cases[] = {
    { "2026-11-21T14:32:05+00:00 postrider[1]: id=A", NOW },
    { "2026-11-21T15:32:05+01:00 postrider[1]: id=A", NOW },
    { "2026-11-21T15:32:05.123456+01:00 host postrider[1]: id=A", NOW },
    { "Nov 21 14:32:05 host postrider[1]: id=A", NOW },
    { "Nov  1 14:32:05 host postrider[1]: id=A", NOW - 20 * 86400 },
    /* Of last year, as it would be in the future. */
    { "Nov 23 14:32:05 host postrider[1]: id=A", NOW - 363 * 86400 },
    { "1795271525.000001 host postrider[1]: id=A", NOW },
    { "1795271525.000001 host sendmail/cron[123456]: id=A", NOW },
    { "", 0 },
    { "2026-11-21", 0 },
    { "2026-13-21T14:32:05+00:00 postrider[1]: id=A", 0 },
    { "Foo 21 14:32:05 host postrider[1]: id=A", 0 },
    { "Nov 31 14:32:05 host postrider[1]: id=A", 0 },
    { "Nov 21 14:32:05 host postrider: id=A", 0 },
    { "Nov 21 14:32:05 a host postrider[1]: id=A", 0 },
    { "99999999999999.1 host postrider[1]: id=A", 0 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (LogRecord) record = parse (cases[i].line);

      g_test_message ("%s", cases[i].line);
      g_assert_cmpint (record == NULL ? 0 : record->time, ==, cases[i].time);
    }
}

static void
test_since (void)
{
  static const char line[] = "2026-11-21T14:32:05+00:00 postrider[1]: id=A";
  g_autoptr (LogRecord) in
      = log_record_parse (line, strlen (line), NOW, NOW);
  g_autoptr (LogRecord) before
      = log_record_parse (line, strlen (line), NOW, NOW + 1);

  g_assert_nonnull (in);
  g_assert_null (before);
}

/* The values as "key value\n". */
static char *
values_of (const LogRecord *record)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; record != NULL && i < record->values->len; i++)
    {
      const LogValue *value = &g_array_index (record->values, LogValue, i);

      g_string_append_printf (text, "%s %s\n", value->key, value->value);
    }
  return g_string_free (text, FALSE);
}

static void
test_values (void)
{
  static const struct
  {
    const char *line;
    const char *values; /* "": none of ours */
  } cases[] = {
    { "id=A1 account=work from=<me@example.org> to=<a@b.c>,<\"x> y\"@b.c> "
      "fate=relayed reply=\"250 2.0.0 Ok: queued as 1\"",
      "id A1\naccount work\nfrom me@example.org\nto a@b.c\nto \"x> y\"@b.c\n"
      "fate relayed\nreply 250 2.0.0 Ok: queued as 1\n" },
    { "id=A from=<> tls=\"\" auth= fate=held",
      "id A\nfrom \ntls \nauth \nfate held\n" },
    /* Nothing within an address or a text is a key. */
    { "id=A from=<\"> fate=held \"@x.org> fate=relayed",
      "id A\nfrom \"> fate=held \"@x.org\nfate relayed\n" },
    { "id=A text=\"say \" fate=relayed id=B\"",
      "id A\ntext say \" fate=relayed id=B\n" },
    { "id=A fate=held rcpt=\"a b\"@x.org stage=rcpt status=failed "
      "text=\"550 no 'x' fate=y\" rcpt=c@x.org stage=rcpt status=delayed "
      "ambiguous=yes text=\"450 later\"",
      "id A\nfate held\nrcpt \"a b\"@x.org\nstage rcpt\nstatus failed\n"
      "text 550 no 'x' fate=y\nrcpt c@x.org\nstage rcpt\nstatus delayed\n"
      "ambiguous yes\ntext 450 later\n" },
    /* A line that was cut. */
    { "id=A fate=held stage=rcpt text=\"550 no such us...",
      "id A\nfate held\nstage rcpt\ntext 550 no such us...\n" },
    { "id=A fate=held stage=rcpt status=failed text=\"550\" rc...",
      "id A\nfate held\nstage rcpt\nstatus failed\ntext 550\n" },
    { "id=A to=<a@b.c>,<d@...", "id A\nto a@b.c\nto d@...\n" },
    { "text=\"no recipient\"", "text no recipient\n" },
    /* Of others. */
    { "4F2C1A: to=<a@b.c>, relay=none, status=sent", "" },
    { "connect from localhost", "" },
    { "from=<a@b.c>, size=1, nrcpt=1 (queue active)", "" },
    { "id=A other=1", "" },
    { "id=\"a\"b", "id a\"b\n" },
    { "", "" },
    { " ", "" },
    { "=", "" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *line = g_strdup_printf (
          "2026-11-21T14:32:05+00:00 postrider[1]: %s", cases[i].line);
      g_autoptr (LogRecord) record = parse (line);
      g_autofree char *values = values_of (record);

      g_test_message ("%s", cases[i].line);
      g_assert_cmpstr (values, ==, cases[i].values);
    }
}

/* However hostile, it is bounded, printable, and found by its first value. */
static void
test_bounds (void)
{
  g_autofree char *much = g_strnfill (2 * LOG_RECORD_MAXIMUM, 'x');
  g_autofree char *longer = g_strdup_printf (
      "2026-11-21T14:32:05+00:00 postrider[1]: id=%s", much);
  g_autoptr (LogRecord) none = parse (longer);
  g_autoptr (LogRecord) record
      = parse ("2026-11-21T14:32:05+00:00 p\x1b[1]: id=A\x1b[m\xff id=B");

  g_assert_null (none);
  g_assert_nonnull (record);
  g_assert_cmpstr (record->program, ==, "p?");
  g_assert_cmpstr (log_record_value (record, "id"), ==, "A?[m?");
  g_assert_null (log_record_value (record, "fate"));
}

int
main (int argc, char **argv)
{
  g_assert_true (g_setenv ("TZ", "UTC0", TRUE));
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/log-record/dates", test_dates);
  g_test_add_func ("/log-record/since", test_since);
  g_test_add_func ("/log-record/values", test_values);
  g_test_add_func ("/log-record/bounds", test_bounds);
  return g_test_run ();
}
