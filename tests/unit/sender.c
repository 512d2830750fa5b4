/* Who a message is from, and which account carries it. */

#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "submit/sender.h"

static const char accounts_text[]
    = "[work]\n"
      "from = me@work.example, *@team.work.example\n"
      "host = smtp.work.example\n"
      "user = me\n"
      "[home]\n"
      "from = me@home.example\n"
      "host = mail.home.example\n"
      "user = me\n"
      "default = yes\n"
      "[strict]\n"
      "from = me@strict.example\n"
      "host = mail.strict.example\n"
      "user = me\n"
      "rewrite-from = always\n"
      "[loose]\n"
      "from = me@loose.example\n"
      "host = mail.loose.example\n"
      "user = me\n"
      "rewrite-from = never\n"
      "[globs]\n"
      "from = *@globs.example\n"
      "host = mail.globs.example\n"
      "user = me\n";

static Accounts *
load (void)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  int fd = g_file_open_tmp ("accounts-XXXXXX", &path, &error);
  Accounts *accounts;

  g_assert_no_error (error);
  close (fd);
  g_assert_true (g_file_set_contents_full (
      path, accounts_text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error));
  accounts = accounts_load (path, NULL, &error);
  g_assert_no_error (error);
  g_unlink (path);
  return accounts;
}

static void
test_senders (void)
{
  static const struct
  {
    const char *account, *f, *from, *sender; /* NULL: absent */
    const char *chosen; /* NULL: none */
    const char *reverse_path;
    const char *from_after; /* NULL: as before */
    bool claimed;
  } cases[] = {
    { NULL, "me@work.example", NULL, NULL, "work", "me@work.example", NULL,
      true },
    { NULL, "<me@work.example>", NULL, NULL, "work", "me@work.example", NULL,
      true },
    { NULL, "Me <me@WORK.example>", NULL, NULL, "work", "me@WORK.example",
      NULL, true },
    { NULL, "x@team.work.example", NULL, NULL, "work", "x@team.work.example",
      NULL, true },
    { NULL, NULL, "Me <me@work.example>", NULL, "work", "me@work.example",
      NULL, true },
    { NULL, NULL, "other@home.example", "me@work.example", "work",
      "me@work.example", NULL, true },
    { NULL, NULL, NULL, NULL, "home", "me@home.example", NULL, false },
    /* cron */
    { NULL, NULL, "root (Cron Daemon)", NULL, "home", "me@home.example",
      "\"root (Cron Daemon)\" <me@home.example>", false },
    { NULL, NULL, "Cron <root@localhost>", NULL, "home", "me@home.example",
      "Cron <me@home.example>", false },
    { NULL, "root", "root", NULL, "home", "me@home.example",
      "root <me@home.example>", false },
    { NULL, NULL, "root@localhost (Cron Daemon)", NULL, "home",
      "me@home.example", "\"root (Cron Daemon)\" <me@home.example>", false },
    /* whoever is the sender, a local author says nothing to anybody */
    { NULL, "me@work.example", "root (Cron Daemon)", NULL, "work",
      "me@work.example", "\"root (Cron Daemon)\" <me@work.example>", true },
    /* a foreign sender goes as given */
    { NULL, "a@elsewhere.example", "a@elsewhere.example", NULL, "home",
      "a@elsewhere.example", NULL, false },
    { NULL, "", "me@work.example", NULL, "work", "", NULL, true },
    { NULL, "<>", NULL, NULL, "home", "", NULL, false },
    { "work", "a@elsewhere.example", NULL, NULL, "work",
      "a@elsewhere.example", NULL, false },
    { "strict", "a@elsewhere.example", "A <a@elsewhere.example>", NULL,
      "strict", "me@strict.example", "A <me@strict.example>", false },
    { "loose", "root", "root", NULL, "loose", "root@loose.example", NULL,
      false },
    { NULL, NULL, "y@globs.example", NULL, "globs", "y@globs.example", NULL,
      true },
    { "globs", NULL, NULL, NULL, NULL, NULL, NULL, false },
    { "nobody", "me@work.example", NULL, NULL, NULL, "me@work.example", NULL,
      false },
  };
  g_autoptr (Accounts) accounts = load ();

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Header) header = header_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (GError) why = NULL;
      g_autoptr (Sender) sender = NULL;
      SenderRequest request = { cases[i].account, cases[i].f, NULL };
      g_autofree char *from = NULL;

      g_test_message ("case %zu", i);
      if (cases[i].sender != NULL)
        header_append (header, "Sender", cases[i].sender);
      if (cases[i].from != NULL)
        header_append (header, "From", cases[i].from);
      sender = sender_resolve (&request, accounts, header, &why, &error);
      g_assert_no_error (error);
      g_assert_cmpint (sender->account == NULL, ==, why != NULL);
      g_assert_cmpstr (sender->account == NULL ? NULL : sender->account->name,
                       ==, cases[i].chosen);
      if (cases[i].reverse_path != NULL)
        g_assert_cmpstr (sender->reverse_path, ==, cases[i].reverse_path);
      g_assert_cmpint (sender->claimed, ==, cases[i].claimed);
      if (cases[i].from != NULL)
        {
          from = header_unfold (header_find (header, "From")->body);
          g_assert_cmpstr (from, ==,
                           cases[i].from_after != NULL ? cases[i].from_after
                                                       : cases[i].from);
        }
      g_assert_nonnull (sender->from);
    }
}

static void
test_sender_field (void)
{
  g_autoptr (Accounts) accounts = load ();
  g_autoptr (Header) header = header_new ();
  g_autoptr (GError) why = NULL;
  g_autoptr (Sender) sender = NULL;

  header_append (header, "From", "Her <her@elsewhere.example>");
  header_append (header, "Sender", "Robot <robot@localhost>");
  sender = sender_resolve (&(SenderRequest){ 0 }, accounts, header, &why, NULL);
  g_assert_cmpstr (header_find (header, "From")->body, ==,
                   " Her <her@elsewhere.example>");
  g_assert_cmpstr (header_find (header, "Sender")->body, ==,
                   " Robot <me@home.example>");
}

static void
test_bad_sender (void)
{
  static const char *const bad[]
      = { "a@b@c", "a\r\nRCPT TO:<x@y>", "@", "a b", "<a" };
  g_autoptr (Accounts) accounts = load ();

  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (Header) header = header_new ();
      g_autoptr (GError) error = NULL;
      SenderRequest request = { NULL, bad[i], NULL };

      g_assert_null (
          sender_resolve (&request, accounts, header, NULL, &error));
      g_assert_error (error, FAILURE, FAILURE_DATA);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sender/table", test_senders);
  g_test_add_func ("/sender/field", test_sender_field);
  g_test_add_func ("/sender/bad", test_bad_sender);
  return g_test_run ();
}
