/* By what an account was logged in: kept, for one relay and user, and lost
 * without harm. */

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "queue-fixture.h"
#include "queue/account-file.h"
#include "queue/login.h"

static const Relay plain = { .host = (char *) "relay.example",
                             .port = 465,
                             .user = (char *) "me" };

static void
remember (Queue *queue, const Relay *relay, const char *mechanism)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (login_remember (queue, "me", relay, mechanism, &error));
  g_assert_no_error (error);
}

static void
assert_remembered (Queue *queue, const Relay *relay, const char *expected)
{
  g_autofree char *mechanism = login_remembered (queue, "me", relay);

  g_assert_cmpstr (mechanism, ==, expected);
}

/* The strongest stays. */
static void
test_kept (Fixture *fixture, const void *data)
{
  static const struct
  {
    const char *now, *then;
  } rows[] = {
    { "LOGIN", "LOGIN" },
    { "PLAIN", "LOGIN" },
    { "SCRAM-SHA-1", "SCRAM-SHA-1" },
    { "PLAIN", "SCRAM-SHA-1" },
    { "SCRAM-SHA-256", "SCRAM-SHA-256" },
    { "SCRAM-SHA-1", "SCRAM-SHA-256" },
    { "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1-PLUS" },
    { "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS" },
    { "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256-PLUS" },
    { "EXTERNAL", "EXTERNAL" },
    { "SCRAM-SHA-256-PLUS", "EXTERNAL" },
  };

  assert_remembered (fixture->queue, &plain, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      remember (fixture->queue, &plain, rows[i].now);
      assert_remembered (fixture->queue, &plain, rows[i].then);
    }
}

/* Of one account, relay and user, nothing is said of another. */
static void
test_identity (Fixture *fixture, const void *data)
{
  static const Relay others[] = {
    { .host = (char *) "relay.example2", .port = 465, .user = (char *) "me" },
    { .host = (char *) "relay.example", .port = 587, .user = (char *) "me" },
    { .host = (char *) "relay.example", .port = 465, .user = (char *) "you" },
    { .host = (char *) "relay.example", .port = 465 },
    { .host = (char *) "relay.example",
      .port = 465,
      .user = (char *) "me",
      .certificate = (char *) "/c.pem" },
    { .host = (char *) "relay.exampleme", .port = 465, .user = (char *) "" },
  };
  g_autofree char *other = NULL;

  remember (fixture->queue, &plain, "SCRAM-SHA-256");
  for (size_t i = 0; i < G_N_ELEMENTS (others); i++)
    assert_remembered (fixture->queue, &others[i], NULL);
  other = login_remembered (fixture->queue, "other", &plain);
  g_assert_null (other);
  assert_remembered (fixture->queue, &plain, "SCRAM-SHA-256");
  remember (fixture->queue, &others[0], "PLAIN");
  assert_remembered (fixture->queue, &others[0], "PLAIN");
  assert_remembered (fixture->queue, &plain, NULL);
}

/* Who says what may be used has no memory. */
static void
test_wanted (Fixture *fixture, const void *data)
{
  static const char *const wanted[] = { "any", "PLAIN", "SCRAM-SHA-256" };

  for (size_t i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      Relay relay = plain;

      relay.auth = (char *) wanted[i];
      remember (fixture->queue, &plain, "SCRAM-SHA-256");
      assert_remembered (fixture->queue, &plain, "SCRAM-SHA-256");
      assert_remembered (fixture->queue, &relay, NULL);
      remember (fixture->queue, &relay, "PLAIN");
      assert_remembered (fixture->queue, &plain, NULL);
    }
}

static char *
file (const Fixture *fixture)
{
  return g_build_filename (queue_accounts_path (fixture->queue), "me.login",
                           NULL);
}

static void
write_line (Queue *queue, const char *line)
{
  g_assert_true (account_file_write_line (queue, "me", ".login", line, NULL));
}

/* Whatever is in the file, the worst is that nothing is known. */
static void
test_damaged (Fixture *fixture, const void *data)
{
  g_autofree char *path = file (fixture);
  g_autofree char *sound = NULL;
  size_t length;

  remember (fixture->queue, &plain, "SCRAM-SHA-256");
  g_assert_true (g_file_get_contents (path, &sound, &length, NULL));
  for (size_t i = 0; i < length; i++)
    {
      g_autofree char *text = g_strndup (sound, length);

      text[i] ^= 2;
      g_assert_true (g_file_set_contents (path, text, (gssize) length, NULL));
      assert_remembered (fixture->queue, &plain, NULL);
      g_assert_true (g_file_set_contents (path, sound, (gssize) i, NULL));
      assert_remembered (fixture->queue, &plain, NULL);
    }
  g_assert_true (
      g_file_set_contents (path, sound, (gssize) length, NULL));
  assert_remembered (fixture->queue, &plain, "SCRAM-SHA-256");
}

/* The same with a checksum that is right. */
static void
test_odd (Fixture *fixture, const void *data)
{
  g_autofree char *sound = NULL;
  g_autofree char *identity = NULL;
  g_autofree char *long_line = g_strnfill (20000, 'x');
  const char *const lines[] = {
    "", " ", "1", "1 SCRAM-SHA-256", "2 SCRAM-SHA-256 %", "1 XYZZY %",
    "1  %", "1 SCRAM-SHA-256 % %", "-1 SCRAM-SHA-256 %", long_line,
  };

  remember (fixture->queue, &plain, "SCRAM-SHA-256");
  sound = account_file_read_line (fixture->queue, "me", ".login");
  identity = g_strdup (strrchr (sound, ' ') + 1);
  for (size_t i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_auto (GStrv) parts = g_strsplit (lines[i], "%", -1);
      g_autofree char *line = g_strjoinv (identity, parts);

      write_line (fixture->queue, line);
      assert_remembered (fixture->queue, &plain, NULL);
    }
  write_line (fixture->queue, sound);
  assert_remembered (fixture->queue, &plain, "SCRAM-SHA-256");
}

static void
test_not_a_file (Fixture *fixture, const void *data)
{
  g_autofree char *path = file (fixture);

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  assert_remembered (fixture->queue, &plain, NULL);
  g_assert_cmpint (unlink (path), ==, 0);
  g_assert_cmpint (symlink ("/etc/passwd", path), ==, 0);
  assert_remembered (fixture->queue, &plain, NULL);
  /* Replaced, not followed. */
  remember (fixture->queue, &plain, "PLAIN");
  assert_remembered (fixture->queue, &plain, "PLAIN");
  g_assert_cmpint (unlink (path), ==, 0);
  g_assert_cmpint (mkdir (path, 0700), ==, 0);
  assert_remembered (fixture->queue, &plain, NULL);
  g_assert_false (
      login_remember (fixture->queue, "me", &plain, "PLAIN", NULL));
}

/* Nothing is written that is known already. */
static void
test_written_once (Fixture *fixture, const void *data)
{
  g_autofree char *path = file (fixture);
  struct stat before, after;

  remember (fixture->queue, &plain, "SCRAM-SHA-256");
  g_assert_cmpint (stat (path, &before), ==, 0);
  g_assert_cmpint (before.st_mode & 0777, ==, 0600);
  remember (fixture->queue, &plain, "SCRAM-SHA-256");
  remember (fixture->queue, &plain, "PLAIN");
  g_assert_cmpint (stat (path, &after), ==, 0);
  g_assert_cmpuint (before.st_ino, ==, after.st_ino);
}

#define ADD(name, function)                                                   \
  g_test_add ("/login/" name, Fixture, NULL, fixture_set_up, function,        \
              fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("kept", test_kept);
  ADD ("identity", test_identity);
  ADD ("wanted", test_wanted);
  ADD ("damaged", test_damaged);
  ADD ("odd", test_odd);
  ADD ("not-a-file", test_not_a_file);
  ADD ("written-once", test_written_once);
  return g_test_run ();
}
