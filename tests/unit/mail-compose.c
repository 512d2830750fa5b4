/* What a message gets before it leaves, and what it loses. */

#include <locale.h>
#include <string.h>

#include <glib.h>

#include "base/failure.h"
#include "mail/compose.h"

#define TIME 1795230887 /* 21 November 2026 03:14:47 UTC */
#define DATE "Date: Sat, 21 Nov 2026 04:14:47 +0100"
#define RESENT_DATE "Resent-" DATE
#define FULL DATE "|Message-ID: <1@x.example>"

static Header *
new_header (const char *lines)
{
  Header *header = header_new ();
  g_auto (GStrv) split = g_strsplit (lines, "|", -1);

  for (char **line = split; *line != NULL; line++)
    g_assert_true (header_add_line (header, *line, strlen (*line), NULL));
  return header;
}

/* The lines with '|' between them, the random part of identifiers as '*'. */
static char *
show (const Header *header)
{
  g_autoptr (GString) text = header_to_string (header);
  g_autoptr (GRegex) random = g_regex_new ("<[a-z2-7]{26}@", 0, 0, NULL);
  g_autofree char *masked = NULL;

  g_string_truncate (text, text->len - strlen ("\r\n\r\n"));
  g_string_replace (text, "\r\n", "|", 0);
  masked = g_regex_replace_literal (random, text->str, -1, 0, "<*@", 0, NULL);
  return g_steal_pointer (&masked);
}

static const struct
{
  const char *before, *after;
} cases[] = {
  /* All is there */
  { FULL "|From: a@x.example|X:  y|\tz", FULL "|From: a@x.example|X:  y|\tz" },
  /* Absent, or empty */
  { "Subject: x",
    DATE "|From: \"Q. Me\" <me@f.example>|Message-ID: <*@f.example>|"
         "Subject: x" },
  { "From: |Date:|Message-ID:  |Subject: x",
    DATE "|From: \"Q. Me\" <me@f.example>|Message-ID: <*@f.example>|"
         "Subject: x" },
  { "from: a@x.example|date: x", "Message-ID: <*@x.example>|"
                                 "from: a@x.example|date: x" },
  { DATE "|From: a", "Message-ID: <*@d.example>|" DATE "|From: a@d.example" },
  { DATE "|From: <", "Message-ID: <*@f.example>|" DATE "|From: <" },
  { DATE "|From: a@gr\303\274n.example",
    "Message-ID: <*@xn--grn-ioa.example>|" DATE
    "|From: a@gr\303\274n.example" },
  { DATE "|From: a@\342\204\242-.example",
    "Message-ID: <*@f.example>|" DATE "|From: a@\342\204\242-.example" },
  /* Several authors */
  { FULL "|From: A <a@x.example>, b@x.example",
    "Sender: A <a@x.example>|" FULL "|From: A <a@x.example>, b@x.example" },
  { FULL "|From: a@x.example, b@x.example|Sender: c@x.example",
    FULL "|From: a@x.example, b@x.example|Sender: c@x.example" },
  /* Unqualified addresses */
  { FULL "|From: root (Cron Daemon)|To:root|Cc: A <b>,| c (d)|Cc: e|"
         "Sender: s|Reply-To: r|X-To: x|Resent-To: y|Resent-From: y|"
         "Resent-Sender: y|Resent-Cc: y|Resent-Reply-To: y|Resent-Date: z|"
         "Resent-Message-ID: z",
    FULL "|From: root@d.example (Cron Daemon)|To:root@d.example|"
         "Cc: A <b@d.example>,| c@d.example (d)|Cc: e@d.example|"
         "Sender: s@d.example|Reply-To: r@d.example|X-To: x|"
         "Resent-To: y@d.example|Resent-From: y@d.example|"
         "Resent-Sender: y@d.example|Resent-Cc: y@d.example|"
         "Resent-Reply-To: y@d.example|Resent-Date: z|Resent-Message-ID: z" },
  { FULL "|From: a@x.example|To: undisclosed-recipients:;",
    FULL "|From: a@x.example|To: undisclosed-recipients:;" },
  /* Resent */
  { "Resent-From: a@r.example|Resent-To: b|" FULL "|From: a@x.example",
    RESENT_DATE "|Resent-Message-ID: <*@r.example>|Resent-From: a@r.example|"
                "Resent-To: b@d.example|" FULL "|From: a@x.example" },
  { "Resent-To: b@x.example|" FULL "|From: a@x.example",
    RESENT_DATE "|Resent-From: \"Q. Me\" <me@f.example>|"
                "Resent-Message-ID: <*@f.example>|Resent-To: b@x.example|" FULL
                "|From: a@x.example" },
  { "Resent-Bcc: b|" FULL "|From: a@x.example",
    RESENT_DATE "|Resent-From: \"Q. Me\" <me@f.example>|"
                "Resent-Message-ID: <*@f.example>|" FULL "|From: a@x.example" },
  { "resent-date: |RESENT-FROM: |Resent-Message-Id: |Resent-To: b@x.example|"
    FULL "|From: a@x.example",
    RESENT_DATE "|Resent-From: \"Q. Me\" <me@f.example>|"
                "Resent-Message-ID: <*@f.example>|Resent-To: b@x.example|" FULL
                "|From: a@x.example" },
  { RESENT_DATE "|Resent-From: a@r.example|Resent-Message-ID: <2@r.example>|"
    RESENT_DATE "|Resent-From: b@r.example|Resent-Message-ID: <1@r.example>|"
    FULL "|From: a@x.example",
    RESENT_DATE "|Resent-From: a@r.example|Resent-Message-ID: <2@r.example>|"
    RESENT_DATE "|Resent-From: b@r.example|Resent-Message-ID: <1@r.example>|"
    FULL "|From: a@x.example" },
  { "Resent-Date: z|" FULL "|From: a@x.example",
    "Resent-Date: z|" FULL "|From: a@x.example" },
  /* Removed */
  { FULL "|bcc: a,| b|From: a@x.example|BCC:|Return-Path: <x>|"
         "Content-Length: 1|Bcc : c|Bcc\t :|\td|Bcc-x: y",
    FULL "|From: a@x.example|Bcc-x: y" },
  { FULL "|Resent-BCC: x,| y|Resent-Bcc : z|From: a@x.example|Resent-Date: z|"
         "Resent-From: b@x.example|Resent-Message-ID: z",
    FULL "|From: a@x.example|Resent-Date: z|Resent-From: b@x.example|"
         "Resent-Message-ID: z" },
  /* Names, comments and unknown addresses stay */
  { FULL "|From: \"a, b\"   (x)\t<a@x.example>|To: Gr\303\274n  <@r:b>|"
         "Cc:G:;",
    FULL "|From: \"a, b\"   (x)\t<a@x.example>|"
         "To: Gr\303\274n  <@r:b@d.example>|Cc:G:;" },
};

static const Address from = { (char *)"Q. Me", (char *)"me",
                              (char *)"f.example" };
static const ComposeParams params = { &from, "d.example", TIME };

static void
test_compose (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Header) header = new_header (cases[i].before);
      g_autoptr (GError) error = NULL;
      g_autofree char *once = NULL;
      g_autofree char *twice = NULL;

      g_assert_true (compose (header, &params, &error));
      g_assert_no_error (error);
      once = show (header);
      g_assert_cmpstr (once, ==, cases[i].after);
      /* What was resent by a field that is gone now */
      if (g_str_has_prefix (cases[i].before, "Resent-Bcc:"))
        continue;
      g_assert_true (compose (header, &params, &error));
      twice = show (header);
      g_assert_cmpstr (twice, ==, cases[i].after);
    }
}

/* "I" has no lower case there that ASCII has. */
static void
test_turkish (void)
{
  if (setlocale (LC_ALL, "tr_TR.UTF-8") == NULL)
    {
      g_test_skip ("no Turkish locale here");
      return;
    }
  test_compose ();
  setlocale (LC_ALL, "C");
}

static void
test_unqualified_from (void)
{
  Address bare = { NULL, (char *)"root", NULL };
  ComposeParams own = { &bare, "d.example", TIME };
  g_autoptr (Header) header = new_header ("Subject: x");
  g_autofree char *shown = NULL;

  g_assert_true (compose (header, &own, NULL));
  shown = show (header);
  g_assert_cmpstr (shown, ==,
                   DATE "|From: root@d.example|Message-ID: <*@d.example>|"
                        "Subject: x");
}

static void
test_twice (void)
{
  static const char *const bad[] = { "From: a@x.example|FROM: a@x.example",
                                     "Date: x|Date: x",
                                     "Date: x|date:",
                                     "Message-ID: x|Message-Id: y" };

  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (Header) header = new_header (bad[i]);
      g_autoptr (GError) error = NULL;

      g_assert_false (compose (header, &params, &error));
      g_assert_error (error, FAILURE, FAILURE_DATA);
    }
}

static void
test_date (void)
{
  static const struct
  {
    const char *zone;
    int64_t time;
    const char *date;
  } dates[] = {
    { "UTC", TIME, "Sat, 21 Nov 2026 03:14:47 +0000" },
    { "Europe/Berlin", TIME - 140 * 86400, "Sat, 4 Jul 2026 05:14:47 +0200" },
    { "America/St_Johns", TIME, "Fri, 20 Nov 2026 23:44:47 -0330" },
    { "Asia/Kathmandu", 0, "Thu, 1 Jan 1970 05:30:00 +0530" },
    { "garbage/::", TIME, "Sat, 21 Nov 2026 03:14:47 +0000" },
    { "UTC", INT64_MAX, "Thu, 1 Jan 1970 00:00:00 +0000" },
  };

  setlocale (LC_ALL, "de_DE.UTF-8");
  for (size_t i = 0; i < G_N_ELEMENTS (dates); i++)
    {
      g_autofree char *date = NULL;

      g_setenv ("TZ", dates[i].zone, TRUE);
      date = compose_date (dates[i].time);
      g_assert_cmpstr (date, ==, dates[i].date);
    }
  setlocale (LC_ALL, "C");
  g_setenv ("TZ", "Europe/Berlin", TRUE);
}

static void
test_message_id (void)
{
  g_autoptr (GHashTable) seen =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  unsigned digits[26] = { 0 };

  for (int i = 0; i < 2000; i++)
    {
      char *id = compose_message_id ("x.example");

      g_assert_true (
          g_regex_match_simple ("^<[a-z2-7]{26}@x\\.example>$", id, 0, 0));
      for (int j = 0; j < 26; j++)
        digits[j] |= 1u << (g_ascii_isdigit (id[1 + j]) ? id[1 + j] - '2' + 26
                                                        : id[1 + j] - 'a');
      g_assert_true (g_hash_table_add (seen, id));
    }
  for (int j = 0; j < 25; j++)
    g_assert_cmphex (digits[j], ==, 0xffffffff);
  g_assert_cmphex (digits[25], ==, 0x11111111); /* three bits are left */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_setenv ("TZ", "Europe/Berlin", TRUE);
  g_test_add_func ("/mail/compose/cases", test_compose);
  g_test_add_func ("/mail/compose/turkish", test_turkish);
  g_test_add_func ("/mail/compose/unqualified-from", test_unqualified_from);
  g_test_add_func ("/mail/compose/twice", test_twice);
  g_test_add_func ("/mail/compose/date", test_date);
  g_test_add_func ("/mail/compose/message-id", test_message_id);
  return g_test_run ();
}
