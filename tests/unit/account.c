/* Accounts files: what they mean, what is said of their errors, and which
 * account a message gets. */

#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

/* The module itself, with a system's file that a test can write: it stands in
 * the working directory. */
#undef SYSCONFDIR
#define SYSCONFDIR "etc"
#include "account/account.c"

typedef struct
{
  char *directory;
  char *file;
} Fixture;

static void
set_up (Fixture *fixture, const void *data)
{
  g_autofree char *subdirectory = NULL;

  fixture->directory = g_dir_make_tmp ("account-XXXXXX", NULL);
  subdirectory = g_build_filename (fixture->directory, "postrider", NULL);
  g_assert_cmpint (g_mkdir (subdirectory, 0700), ==, 0);
  fixture->file = g_build_filename (subdirectory, "accounts", NULL);
  g_setenv ("XDG_CONFIG_HOME", fixture->directory, TRUE);
  g_assert_cmpint (g_chdir (fixture->directory), ==, 0);
}

static void
tear_down (Fixture *fixture, const void *data)
{
  g_autofree char *subdirectory
      = g_build_filename (fixture->directory, "postrider", NULL);

  g_remove (ACCOUNTS_SYSTEM_FILE);
  g_rmdir (SYSCONFDIR "/postrider");
  g_rmdir (SYSCONFDIR);
  g_remove (fixture->file);
  g_rmdir (subdirectory);
  g_assert_cmpint (g_chdir ("/"), ==, 0);
  g_rmdir (fixture->directory);
  g_free (fixture->file);
  g_free (fixture->directory);
}

static Accounts *
load (Fixture *fixture, const char *text, GError **error)
{
  g_assert_true (g_file_set_contents (fixture->file, text, -1, NULL));
  g_assert_cmpint (g_chmod (fixture->file, 0644), ==, 0);
  return accounts_load (fixture->file, "/home/me", error);
}

/* The error's text with the file's name shortened to F. */
static char *
text_of (Fixture *fixture, const GError *error)
{
  GString *text = g_string_new (error->message);

  g_string_replace (text, fixture->file, "F", 0);
  return g_string_free (text, FALSE);
}

static const Account *
account_at (const Accounts *accounts, size_t index)
{
  g_assert_cmpuint (index, <, accounts->accounts->len);
  return g_ptr_array_index (accounts->accounts, index);
}

static void
test_minimal (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Accounts) accounts = load (
      fixture, "\n[work]\nfrom = me@work.example\nhost = smtp.work.example\n",
      &error);
  const Account *account;

  g_assert_no_error (error);
  g_assert_cmpuint (accounts->accounts->len, ==, 1);
  account = account_at (accounts, 0);
  g_assert_cmpstr (account->name, ==, "work");
  g_assert_cmpstr (account_address (account), ==, "me@work.example");
  g_assert_false (account->is_default);
  g_assert_cmpint (account->rewrite_from, ==, REWRITE_LOCAL);
  g_assert_cmpint (account->delivery, ==, DELIVERY_INTERACTIVE);
  g_assert_cmpstr (account->dsn_notify, ==, "");
  g_assert_cmpstr (account->dsn_return, ==, "");
  g_assert_cmpstr (account->file, ==, fixture->file);
  g_assert_cmpint (account->line, ==, 2);
  g_assert_cmpstr (account->relay.host, ==, "smtp.work.example");
  g_assert_cmpint (account->relay.port, ==, 465);
  g_assert_cmpint (account->relay.tls, ==, TLS_IMPLICIT);
  g_assert_null (account->relay.ehlo_name);
  g_assert_null (account->relay.user);
  g_assert_null (account->relay.auth);
  g_assert_null (account->relay.trust_file);
  g_assert_null (accounts->general.log);
  g_assert_null (accounts->general.aliases);
  g_assert_null (accounts->general.local_mail_to);
  g_assert_cmpuint (accounts->general.maximum_size, ==, UINT64_C (1) << 31);
}

static void
test_everything (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Accounts) accounts
      = load (fixture,
              "[postrider]\nlog = ~/mail.log\nmaximum-size = 50m\n"
              "aliases = ~/aliases\n"
              "local-mail-to = Me <me@HOME.example>, it@[192.0.2.1]\n"
              "[home]\nfrom = *@home.example, <me@HOME.example>, b@c.example\n"
              "host = mail.home.example.\nport = 2525\ntls = starttls\n"
              "user = \"me # 1\"\nauth = scram-sha-256\ndefault = yes\n"
              "rewrite-from = always\ntrust-file = /etc/ca.pem\n"
              "crl-file = ~/crl.pem\ncertificate = ~/c.pem\nkey = /k.pem\n"
              "ehlo-name = [192.0.2.1]\ndsn-notify = delay, failure\n"
              "dsn-return = hdrs\ntimeout-connect = 500ms\n"
              "timeout-command = 90\ntimeout-data = 3 m\n"
              "timeout-block = 1h\ntimeout-end-of-data = 1d\n"
              "timeout-quit = 1s\n",
              &error);
  const Account *account;

  g_assert_no_error (error);
  account = account_at (accounts, 0);
  g_assert_cmpstr (accounts->general.log, ==, "/home/me/mail.log");
  g_assert_cmpuint (accounts->general.maximum_size, ==, 50 * 1024 * 1024);
  g_assert_cmpstr (accounts->general.aliases, ==, "/home/me/aliases");
  g_assert_cmpuint (g_strv_length (accounts->general.local_mail_to), ==, 2);
  g_assert_cmpstr (accounts->general.local_mail_to[0], ==, "me@HOME.example");
  g_assert_cmpstr (accounts->general.local_mail_to[1], ==, "it@[192.0.2.1]");
  g_assert_cmpuint (account->from->len, ==, 3);
  g_assert_cmpstr (g_ptr_array_index (account->from, 0), ==, "*@home.example");
  g_assert_cmpstr (account_address (account), ==, "me@HOME.example");
  g_assert_true (account->is_default);
  g_assert_cmpint (account->rewrite_from, ==, REWRITE_ALWAYS);
  g_assert_cmpstr (account->dsn_notify, ==, "FAILURE,DELAY");
  g_assert_cmpstr (account->dsn_return, ==, "HDRS");
  g_assert_cmpstr (account->relay.host, ==, "mail.home.example");
  g_assert_cmpint (account->relay.port, ==, 2525);
  g_assert_cmpint (account->relay.tls, ==, TLS_STARTTLS);
  g_assert_cmpstr (account->relay.user, ==, "me # 1");
  g_assert_cmpstr (account->relay.auth, ==, "SCRAM-SHA-256");
  g_assert_cmpstr (account->relay.trust_file, ==, "/etc/ca.pem");
  g_assert_cmpstr (account->relay.crl_file, ==, "/home/me/crl.pem");
  g_assert_cmpstr (account->relay.certificate, ==, "/home/me/c.pem");
  g_assert_cmpstr (account->relay.key, ==, "/k.pem");
  g_assert_cmpstr (account->relay.ehlo_name, ==, "[192.0.2.1]");
  g_assert_cmpuint (account->relay.timeouts.connect, ==, 500);
  g_assert_cmpuint (account->relay.timeouts.command, ==, 90 * 1000);
  g_assert_cmpuint (account->relay.timeouts.data, ==, 180 * 1000);
  g_assert_cmpuint (account->relay.timeouts.block, ==, 3600 * 1000);
  g_assert_cmpuint (account->relay.timeouts.end_of_data, ==, 86400 * 1000);
  g_assert_cmpuint (account->relay.timeouts.quit, ==, 1000);
}

#define HOUR INT64_C (3600)
#define DAY (24 * HOUR)

static void
assert_general (const General *general, const General *expected)
{
  g_assert_cmpuint (general->reserve, ==, expected->reserve);
  g_assert_cmpint (general->queue_lifetime, ==, expected->queue_lifetime);
  g_assert_cmpint (general->delay_warning, ==, expected->delay_warning);
  g_assert_cmpint (general->keep_held, ==, expected->keep_held);
  g_assert_cmpint (general->notify, ==, expected->notify);
  g_assert_cmpint (general->start_runner, ==, expected->start_runner);
}

static void
test_queue_settings (Fixture *fixture, const void *data)
{
  static const struct
  {
    const char *text;
    General expected;
  } cases[] = {
    { "",
      { NULL, 0, 16 << 20, 5 * DAY, 4 * HOUR, 30 * DAY, true, true, NULL, NULL } },
    { "reserve = 0\nqueue-lifetime = 90\ndelay-warning = never\n"
      "keep-held = forever\nnotify = no\nstart-runner = no\n",
      { NULL, 0, 0, 90, 0, 0, false, false, NULL, NULL } },
    { "reserve = 1G\nqueue-lifetime = 2 w\ndelay-warning = 90m\n"
      "keep-held = 1s\n",
      { NULL, 0, 1 << 30, 14 * DAY, 90 * 60, 1, true, true, NULL, NULL } },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text
          = g_strconcat ("[a]\nfrom=a@x.example\nhost=x.example\n"
                         "[postrider]\n",
                         cases[i].text, NULL);
      g_autoptr (Accounts) accounts = load (fixture, text, &error);

      g_assert_no_error (error);
      assert_general (&accounts->general, &cases[i].expected);
    }
}

static void
test_delivery (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Accounts) accounts
      = load (fixture,
              "[a]\nfrom = a@x.example\n"
              "[b]\nfrom = b@x.example\ndelivery = queue\n"
              "max-connections = 100\n"
              "[c]\nfrom = c@x.example\ndelivery = interactive\n"
              "max-connections = 1\n"
              "[defaults]\nhost = d.example\ndelivery = background\n",
              &error);

  g_assert_no_error (error);
  g_assert_cmpint (account_at (accounts, 0)->delivery, ==,
                   DELIVERY_BACKGROUND);
  g_assert_cmpint (account_at (accounts, 0)->max_connections, ==, 3);
  g_assert_cmpint (account_at (accounts, 1)->delivery, ==, DELIVERY_QUEUE);
  g_assert_cmpint (account_at (accounts, 1)->max_connections, ==, 100);
  g_assert_cmpint (account_at (accounts, 2)->delivery, ==,
                   DELIVERY_INTERACTIVE);
  g_assert_cmpint (account_at (accounts, 2)->max_connections, ==, 1);
}

/* A sound account, to be followed by settings that may not be. */
#define SOUND "[a]\nfrom=a@x.example\nhost=x.example\n"
#define PIN "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

/* Pins are an account's own; those of [defaults] are for who has none. */
static void
test_pins (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  static const char other[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  g_autoptr (Accounts) accounts
      = load (fixture,
              SOUND "pin = pin-sha256:" PIN " , "
                    "pin-sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                    "[b]\nfrom=b@x.example\nhost=x.example\n"
                    "[c]\nfrom=c@x.example\nhost=x.example\n"
                    "pin = pin-sha256:" PIN "\n"
                    "[defaults]\ntrust-file = none\npin = "
                    "pin-sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
              &error);
  char **pins;

  g_assert_no_error (error);
  for (unsigned i = 0; i < 3; i++)
    g_assert_true (
        relay_trusts_pins_alone (&account_at (accounts, i)->relay));
  pins = account_at (accounts, 0)->relay.pins;
  g_assert_cmpuint (g_strv_length (pins), ==, 2);
  g_assert_cmpstr (pins[0], ==, PIN);
  g_assert_cmpstr (pins[1], ==, other);
  pins = account_at (accounts, 1)->relay.pins;
  g_assert_cmpuint (g_strv_length (pins), ==, 1);
  g_assert_cmpstr (pins[0], ==, other);
  pins = account_at (accounts, 2)->relay.pins;
  g_assert_cmpuint (g_strv_length (pins), ==, 1);
  g_assert_cmpstr (pins[0], ==, PIN);
}

static void
test_defaults (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Accounts) accounts
      = load (fixture,
              "[a]\nfrom = a@x.example\n"
              "[b]\nfrom = b@x.example\nhost = b.example\ntls = implicit\n"
              "auth = any\n"
              "[defaults]\nhost = d.example\ntls = starttls\nuser = u\n",
              &error);

  g_assert_no_error (error);
  g_assert_cmpuint (accounts->accounts->len, ==, 2);
  g_assert_cmpstr (account_at (accounts, 0)->relay.host, ==, "d.example");
  g_assert_cmpint (account_at (accounts, 0)->relay.port, ==, 587);
  g_assert_cmpstr (account_at (accounts, 1)->relay.host, ==, "b.example");
  g_assert_cmpint (account_at (accounts, 1)->relay.port, ==, 465);
  g_assert_cmpstr (account_at (accounts, 1)->relay.user, ==, "u");
  g_assert_cmpstr (account_at (accounts, 1)->relay.auth, ==, "any");
}

#define TEN "123456789/"
#define NINETY_NINE TEN TEN TEN TEN TEN TEN TEN TEN TEN "123456789"
#define SEVENTY_SIX TEN TEN TEN TEN TEN TEN TEN "123456"

/* The ways that an account has: proxy, source address, socket, tunnel. */
static char *
ways_of (const Relay *relay)
{
  g_autofree char *proxy = NULL;
  g_autofree char *tunnel = NULL;

  if (relay->proxy.host != NULL)
    proxy = endpoint_text (relay->proxy.host, relay->proxy.port);
  if (relay->tunnel != NULL)
    tunnel = g_strjoinv ("|", relay->tunnel);
  return g_strdup_printf (
      "%s %s %s %s", proxy != NULL ? proxy : "-",
      relay->source_address != NULL ? relay->source_address : "-",
      relay->socket != NULL ? relay->socket : "-",
      tunnel != NULL ? tunnel : "-");
}

static void
test_ways (Fixture *fixture, const void *data)
{
  static const struct
  {
    const char *settings, *defaults, *ways;
  } cases[] = {
    { "proxy = socks5://p.example", "", "p.example:1080 - - -" },
    { "proxy = SOCKS5://p.example:9050", "", "p.example:9050 - - -" },
    { "proxy = localhost:9050", "", "localhost:9050 - - -" },
    { "proxy = socks5://[::1]", "", "[::1]:1080 - - -" },
    { "proxy = [2001:db8::1]:9050", "", "[2001:db8::1]:9050 - - -" },
    { "source-address = 2001:DB8:0::1", "", "- 2001:db8::1 - -" },
    { "source-address = 192.0.2.1\nproxy = p.example:1", "",
      "p.example:1 192.0.2.1 - -" },
    { "socket = ~/relay", "", "- - /home/me/relay -" },
    { "socket = /" NINETY_NINE "/123456", "",
      "- - /" NINETY_NINE "/123456 -" },
    { "tunnel = ssh gate -W %h:%p", "", "- - - ssh|gate|-W|%h:%p" },
    { "tunnel = /bin/x 'a  b' c\\ d %%", "", "- - - /bin/x|a  b|c d|%%" },
    { "tunnel = t $HOME `x` *;|", "", "- - - t|$HOME|`x`|*;|" },
    { "", "proxy = p.example:1", "p.example:1 - - -" },
    { "", "tunnel = t", "- - - t" },
    { "socket = /s", "tunnel = t", "- - /s -" },
    { "tunnel = t", "proxy = p.example:1\nsource-address = 192.0.2.1",
      "- - - t" },
    { "proxy = p.example:1", "source-address = 192.0.2.1",
      "p.example:1 192.0.2.1 - -" },
    { "proxy = p.example:1", "proxy = q.example:2", "p.example:1 - - -" },
    { "source-address = 192.0.2.1", "proxy = p.example:1",
      "p.example:1 192.0.2.1 - -" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text
          = g_strdup_printf (SOUND "%s\n[defaults]\n%s\n", cases[i].settings,
                             cases[i].defaults);
      g_autoptr (GError) error = NULL;
      g_autoptr (Accounts) accounts = load (fixture, text, &error);
      g_autofree char *ways = NULL;

      g_assert_no_error (error);
      ways = ways_of (&account_at (accounts, 0)->relay);
      g_assert_cmpstr (ways, ==, cases[i].ways);
    }
}


static const struct
{
  const char *text;
  const char *errors;
} errors[] = {
  /* Names. */
  { SOUND "hots = y\n", "F:4:1: there is no setting `hots': did you mean "
                        "`host'?" },
  { SOUND "trust_file = /x\n", "F:4:1: there is no setting `trust_file': did "
                               "you mean `trust-file'?" },
  { SOUND "colour = blue\n", "F:4:1: there is no setting `colour'" },
  { SOUND "log = none\n", "F:4:1: `log' belongs in the section [postrider]" },
  { SOUND "[postrider]\nhost = x.example\nlgo = none\n",
    "F:5:1: `host' belongs in the section of an account, or in [defaults]\n"
    "F:6:1: there is no setting `lgo': did you mean `log'?" },
  /* Secrets. */
  { SOUND "password = hunter2\n",
    "F:4:1: `password' is no setting, for passwords never stand in this file: "
    "remove the line and run `postrider password set a'" },
  { SOUND "[defaults]\nPassword = hunter2\n",
    "F:5:1: `Password' is no setting, for passwords never stand in this file: "
    "remove the line and run `postrider password set ACCOUNT'" },
  { SOUND "pasword = hunter2\n", "F:4:1: there is no setting `pasword'" },
  { SOUND "password hunter2\n",
    "F:4:1: this is no setting: write `name = value'" },
  { SOUND "user = u\npassword-file = /x\npassword-command = pass x\n",
    "F:6:1: `password-file' and `password-command' both say where the secret "
    "is: leave one of them" },
  { SOUND "user = u\n[defaults]\npassword-credential = x\n"
          "password-file = /x\n",
    "F:7:1: `password-credential' and `password-file' both say where the "
    "secret is: leave one of them" },
  { SOUND "user = u\ntoken-command = t\npassword-command = p\n",
    "F:6:1: `token-command' and `password-command' both say where the secret "
    "is: leave one of them" },
  { SOUND "user = u\ntoken-command = t\nauth = plain\n",
    "F:1:1: account `a' has `token-command', so `auth' can be oauthbearer, "
    "xoauth2, or any" },
  { SOUND "password-file = /x\n",
    "F:1:1: account `a' has `password-file' and needs `user' for it: write "
    "`user = NAME'" },
  { SOUND "user = u\npassword-credential = ../x\n",
    "F:5:23: `password-credential' cannot be `../x': write the name of a "
    "credential, without a path" },
  { SOUND "user = u\npassword-credential = a/b\n",
    "F:5:23: `password-credential' cannot be `a/b': write the name of a "
    "credential, without a path" },
  { SOUND "user = u\npassword-command = pass 'x\n",
    "F:5:20: `password-command' cannot be `pass 'x': write a program and its "
    "arguments; a quote in it is not closed" },
  { SOUND "user = u\npassword-command = bin/pass x\n",
    "F:5:20: `password-command' cannot be `bin/pass x': write the program's "
    "whole path, or its name alone" },
  { SOUND "user = u\npassword-command = ''\n",
    "F:5:20: `password-command' cannot be `''': write the program's whole "
    "path, or its name alone" },
  /* Sections. */
  { "[home]\n", "F:1:1: account `home' needs `from' and `host': write `from = "
                "me@example.org' and `host = smtp.example.org'" },
  { SOUND "[default]\nuser = u\n",
    "F:4:1: section [default] is an account without `from' and `host': did "
    "you mean [defaults]?" },
  { "[home]\nuser = u\nfrom = me@x.example\n",
    "F:1:1: account `home' has no `host': write `host = smtp.example.org'" },
  { "[home]\nhost = x.example\n",
    "F:1:1: account `home' has no `from': write `from = me@example.org'" },
  { SOUND SOUND,
    "F:4:1: section [a] began in line 1 already: write all its settings "
    "there, or choose another name" },
  { SOUND "default = yes\n[b]\nfrom=b@x.example\nhost=x.example\n"
          "default = yes\n",
    "F:5:1: account `b' is the default, and so is `a' of line 1: leave "
    "`default = yes' to one" },
  { SOUND "default = yes\n[b\tc]\ndefault = yes\n[d e\ndefault = yes\n",
    "F:5:1: a section's name has only letters, digits and -._@+\n"
    "F:7:1: the `]' of this section's name is missing\n"
    "F:7:1: a section's name has only letters, digits and -._@+" },
  /* Values. */
  { "[a]\nfrom = a@x.example, me\nhost = x.example\n",
    "F:2:8: `from' cannot be `a@x.example, me': `me' is no address: write "
    "me@example.org, or a pattern such as *@example.org" },
  { "[a]\nfrom = a@x.example,\nhost = x.example\n",
    "F:2:8: `from' cannot be `a@x.example,': `' is no address: write "
    "me@example.org, or a pattern such as *@example.org" },
  { "[a]\nfrom = Me <a@x.example>\nhost = x.example\n",
    "F:2:8: `from' cannot be `Me <a@x.example>': `Me <a@x.example>' is no "
    "address: write me@example.org, or a pattern such as *@example.org" },
  { "[a]\nfrom = *\nhost = x.example\n",
    "F:2:8: `from' cannot be `*': `*' is no address: write me@example.org, or "
    "a pattern such as *@example.org" },
  { "[a]\nfrom = a@x.example\nhost = smtp.x.example:587\n",
    "F:3:8: `host' cannot be `smtp.x.example:587': write a name such as "
    "smtp.example.org, or an IP address, without brackets or port" },
  { "[a]\nfrom = a@x.example\nhost = [192.0.2.1]\n",
    "F:3:8: `host' cannot be `[192.0.2.1]': write a name such as "
    "smtp.example.org, or an IP address, without brackets or port" },
#define NO_PIN                                                                \
  "is no pin: write pin-sha256: and the 44 characters of the key's SHA-256 " \
  "in base64"
  { SOUND "pin = " PIN "\n",
    "F:4:7: `pin' cannot be `" PIN "': `" PIN "' " NO_PIN },
  { SOUND "pin = pin-sha256:AAAA\n",
    "F:4:7: `pin' cannot be `pin-sha256:AAAA': `pin-sha256:AAAA' " NO_PIN },
  { SOUND "pin = pin-sha256: " PIN "\n",
    "F:4:7: `pin' cannot be `pin-sha256: " PIN "': `pin-sha256: " PIN
    "' " NO_PIN },
  { SOUND "pin = pin-sha256:" PIN ",\n",
    "F:4:7: `pin' cannot be `pin-sha256:" PIN ",': `' " NO_PIN },
  { SOUND "user = u\ncertificate = /c\n"
          "key = pkcs11:token=T?pin-source=/p&pin-value=1234\n",
    "F:6:7: `key' cannot be `pkcs11:token=T?***': a PIN never stands in this "
    "file: write ?pin-source=/path/of/a/file instead, or nothing, and be asked "
    "on the terminal" },
  { SOUND "user = u\ncertificate = /c\nkey = pkcs11:token=T?pin-source=p\n",
    "F:6:7: `key' cannot be `pkcs11:token=T?***': write pin-source= and the "
    "absolute path of a file" },
  { SOUND "user = u\ncertificate = /c\n"
          "key = pkcs11:token=T?pin-source=%7Ccat\n",
    "F:6:7: `key' cannot be `pkcs11:token=T?***': write pin-source= and the "
    "absolute path of a file" },
  { SOUND "user = u\ncertificate = pkcs12:x\nkey = /k\n",
    "F:5:15: `certificate' cannot be `pkcs12:x': write an absolute path, or "
    "one below your home directory as ~/path" },
  { SOUND "trust-file = None\n",
    "F:4:14: `trust-file' cannot be `None': write an absolute path, or one "
    "below your home directory as ~/path" },
  { SOUND "trust-file = none\n",
    "F:1:1: account `a' has `trust-file = none' and needs `pin' for it: "
    "without both, any relay would be trusted" },
  { SOUND "[defaults]\ntrust-file = none\n",
    "F:1:1: account `a' has `trust-file = none' and needs `pin' for it: "
    "without both, any relay would be trusted" },
  { SOUND "port = 0\n",
    "F:4:8: `port' cannot be `0': write a number from 1 to 65535" },
  { SOUND "port = 65536\n",
    "F:4:8: `port' cannot be `65536': write a number from 1 to 65535" },
  { SOUND "port = smtps\n",
    "F:4:8: `port' cannot be `smtps': write a number from 1 to 65535" },
  { SOUND "tls = start-tls\n",
    "F:4:7: `tls' cannot be `start-tls': did you mean `starttls'?" },
  { SOUND "tls = off\n",
    "F:4:7: `tls' cannot be `off': write one of these: implicit, starttls" },
  { SOUND "default = y\n",
    "F:4:11: `default' cannot be `y': write one of these: no, yes" },
  { SOUND "rewrite-from = allways\n",
    "F:4:16: `rewrite-from' cannot be `allways': did you mean `always'?" },
  { SOUND "user = u\nauth = srp\n",
    "F:5:8: `auth' cannot be `srp': write one of these: any, external, gssapi, "
    "scram-sha-256-plus, scram-sha-1-plus, scram-sha-256, scram-sha-1, plain, "
    "login, digest-md5, cram-md5, ntlm, oauthbearer, xoauth2" },
  { SOUND "user = u\nauth = cram-md4\n",
    "F:5:8: `auth' cannot be `cram-md4': did you mean `cram-md5'?" },
  { SOUND "proxy = socks5://me:hunter2@proxy.example:1080\n",
    "F:4:9: `proxy' cannot be `***@proxy.example:1080': no password stands in "
    "this file, so only a proxy without a login can be used: write "
    "socks5://HOST:PORT" },
  { SOUND "proxy = me@proxy.example:1080\n",
    "F:4:9: `proxy' cannot be `***@proxy.example:1080': no password stands in "
    "this file, so only a proxy without a login can be used: write "
    "socks5://HOST:PORT" },
  { SOUND "proxy = http://proxy.example:3128\n",
    "F:4:9: `proxy' cannot be `http://proxy.example:3128': only SOCKS5 proxies "
    "can be used: write socks5://HOST:PORT" },
  { SOUND "proxy = socks4a://proxy.example\n",
    "F:4:9: `proxy' cannot be `socks4a://proxy.example': only SOCKS5 proxies "
    "can be used: write socks5://HOST:PORT" },
#define NO_PROXY(value)                                                       \
  { SOUND "proxy = " value "\n",                                              \
    "F:4:9: `proxy' cannot be `" value "': write socks5://HOST:PORT, with an " \
    "IPv6 address between brackets" }
  NO_PROXY ("proxy.example"),
  NO_PROXY ("proxy.example:"),
  NO_PROXY ("proxy.example:0"),
  NO_PROXY ("proxy.example:65536"),
  NO_PROXY ("proxy.example:1080/"),
  NO_PROXY ("socks5://"),
  NO_PROXY ("socks5://:1080"),
  NO_PROXY ("socks5://::1:1080"),
  NO_PROXY ("socks5://[::1"),
  NO_PROXY ("socks5://[::1]1080"),
  NO_PROXY ("socks5://[proxy.example]:1080"),
  NO_PROXY ("socks5://a b:1080"),
#define NO_ADDRESS(value)                                                     \
  { SOUND "source-address = " value "\n",                                     \
    "F:4:18: `source-address' cannot be `" value "': write an IP address of "  \
    "this machine, such as 192.0.2.1 or 2001:db8::1" }
  NO_ADDRESS ("eth0"),
  NO_ADDRESS ("[::1]"),
  NO_ADDRESS ("192.0.2.1:25"),
  NO_ADDRESS ("0.0.0.0"),
  NO_ADDRESS ("::"),
  NO_ADDRESS ("224.0.0.1"),
  { SOUND "socket = relay.sock\n",
    "F:4:10: `socket' cannot be `relay.sock': write an absolute path, or one "
    "below your home directory as ~/path" },
  { SOUND "socket = /" NINETY_NINE "/1234567\n",
    "F:4:10: `socket' cannot be `/" SEVENTY_SIX "...': the path of a socket "
    "has 107 octets at most" },
  { SOUND "tunnel = bin/ssh\n",
    "F:4:10: `tunnel' cannot be `bin/ssh': write the program's whole "
    "path, or its name alone" },
  { SOUND "tunnel = ssh 'gate\n",
    "F:4:10: `tunnel' cannot be `ssh 'gate': write a program and its "
    "arguments; a quote in it is not closed" },
  { SOUND "tunnel = \'\'\n",
    "F:4:10: `tunnel' cannot be `\'\'': write the program's whole path, "
    "or its name alone" },
#define NO_PERCENT(value)                                                     \
  { SOUND "tunnel = " value "\n",                                             \
    "F:4:10: `tunnel' cannot be `" value "': %h stands for the relay's name "  \
    "and %p for its port; write %% for a percent sign" }
  NO_PERCENT ("ssh gate -W %h:%P"),
  NO_PERCENT ("ssh gate %"),
  NO_PERCENT ("ssh gate %%%"),
  NO_PERCENT ("ssh%n gate"),
  { SOUND "trust-file = ca.pem\n",
    "F:4:14: `trust-file' cannot be `ca.pem': write an absolute path, or one "
    "below your home directory as ~/path" },
  { SOUND "trust-file = ~root/ca.pem\n",
    "F:4:14: `trust-file' cannot be `~root/ca.pem': write an absolute path, "
    "or one below your home directory as ~/path" },
  { SOUND "ehlo-name = my_host!\n",
    "F:4:13: `ehlo-name' cannot be `my_host!': write a domain such as "
    "host.example.org, or an address literal such as [192.0.2.1]" },
  { SOUND "dsn-notify = failure, dleay\n",
    "F:4:14: `dsn-notify' cannot be `failure, dleay': did you mean `delay'?" },
  { SOUND "dsn-notify = never, delay\n",
    "F:4:14: `dsn-notify' cannot be `never, delay': `never' stands alone" },
  { SOUND "dsn-return = FULL\n",
    "F:4:14: `dsn-return' cannot be `FULL': did you mean `full'?" },
  { SOUND "timeout-quit = 5 minutes\n",
    "F:4:16: `timeout-quit' cannot be `5 minutes': write a number with its "
    "unit, such as 30s, 5m or 2h; the units are ms, s, m, h and d" },
  { SOUND "timeout-quit = 0\n",
    "F:4:16: `timeout-quit' cannot be `0': write a number with its unit, such "
    "as 30s, 5m or 2h; the units are ms, s, m, h and d" },
  { SOUND "timeout-quit = 99999999999999999999d\n",
    "F:4:16: `timeout-quit' cannot be `99999999999999999999d': write a number "
    "with its unit, such as 30s, 5m or 2h; the units are ms, s, m, h and d" },
  { SOUND "timeout-quit = -1s\n",
    "F:4:16: `timeout-quit' cannot be `-1s': write a number with its unit, "
    "such as 30s, 5m or 2h; the units are ms, s, m, h and d" },
  { SOUND "linger = 6m\n",
    "F:4:10: `linger' cannot be `6m': write a number with its unit, such as 30s "
    "or 1m, and 5m at most; 0 switches it off" },
  { SOUND "linger = no\n",
    "F:4:10: `linger' cannot be `no': write a number with its unit, such as 30s "
    "or 1m, and 5m at most; 0 switches it off" },
  { SOUND "[postrider]\nlog = mail.log\nmaximum-size = 1T\n",
    "F:5:7: `log' cannot be `mail.log': write `syslog', `none', or the path "
    "of a file\n"
    "F:6:16: `maximum-size' cannot be `1T': write a number of octets, or one "
    "with a unit, such as 500K, 50M or 1G" },
  { SOUND "[postrider]\nlocal-mail-to = root\n",
    "F:5:17: `local-mail-to' cannot be `root': write an address such as "
    "me@example.org, or several, separated by commas" },
  { SOUND "[postrider]\nlocal-mail-to = me@example.org, root@localhost\n",
    "F:5:17: `local-mail-to' cannot be `me@example.org, root@localhost': write an address such as "
    "me@example.org, or several, separated by commas" },
  { SOUND "[postrider]\nlocal-mail-to = me@\n",
    "F:5:17: `local-mail-to' cannot be `me@': write an address such as "
    "me@example.org, or several, separated by commas" },
  { SOUND "[postrider]\nlocal-mail-to = a b@c.example,\n",
    "F:5:17: `local-mail-to' cannot be `a b@c.example,': write an address such as "
    "me@example.org, or several, separated by commas" },
  { SOUND "[postrider]\nlocal-mail-to = Undisclosed:;\n",
    "F:5:17: `local-mail-to' cannot be `Undisclosed:;': write an address such as "
    "me@example.org, or several, separated by commas" },
  { SOUND "[postrider]\naliases = aliases\n",
    "F:5:11: `aliases' cannot be `aliases': write an absolute path, or one "
    "below your home directory as ~/path" },
  { SOUND "delivery = backgruond\n",
    "F:4:12: `delivery' cannot be `backgruond': did you mean `background'?" },
  { SOUND "max-connections = 0\n",
    "F:4:19: `max-connections' cannot be `0': write a number from 1 to 100" },
  { SOUND "max-connections = 101\n",
    "F:4:19: `max-connections' cannot be `101': write a number from 1 to "
    "100" },
  { SOUND "max-connections = many\n",
    "F:4:19: `max-connections' cannot be `many': write a number from 1 to "
    "100" },
  { SOUND "queue-lifetime = 3d\n",
    "F:4:1: `queue-lifetime' belongs in the section [postrider]" },
  { SOUND "[postrider]\nmax-connections = 3\n",
    "F:5:1: `max-connections' belongs in the section of an account, or in "
    "[defaults]" },
  { SOUND "[postrider]\nqueue-lifetime = never\n",
    "F:5:18: `queue-lifetime' cannot be `never': write a number with its unit, "
    "such as 30m, 4h or 5d; the units are s, m, h, d and w" },
  { SOUND "[postrider]\nqueue-lifetime = 0\n",
    "F:5:18: `queue-lifetime' cannot be `0': write a number with its unit, "
    "such as 30m, 4h or 5d; the units are s, m, h, d and w" },
  { SOUND "[postrider]\nkeep-held = 11y\n",
    "F:5:13: `keep-held' cannot be `11y': write a number with its unit, such "
    "as 30m, 4h or 5d; the units are s, m, h, d and w" },
  { SOUND "[postrider]\ndelay-warning = 500ms\n",
    "F:5:17: `delay-warning' cannot be `500ms': write a number with its unit, "
    "such as 30m, 4h or 5d; the units are s, m, h, d and w" },
  { SOUND "[postrider]\nkeep-held = 99999999999999999999w\n",
    "F:5:13: `keep-held' cannot be `99999999999999999999w': write a number "
    "with its unit, such as 30m, 4h or 5d; the units are s, m, h, d and w" },
  { SOUND "[postrider]\nreserve = -1\nnotify = maybe\nstart-runner = 1\n",
    "F:5:11: `reserve' cannot be `-1': write a number of octets, or one with "
    "a unit, such as 500K, 50M or 1G\n"
    "F:6:10: `notify' cannot be `maybe': write one of these: no, yes\n"
    "F:7:16: `start-runner' cannot be `1': write one of these: no, yes" },
  /* Settings that belong together. */
  { SOUND "certificate = /c.pem\n",
    "F:1:1: account `a' needs both `certificate' and `key' (they may name the "
    "same file), or neither" },
  { SOUND "auth = external\n",
    "F:1:1: account `a' has `auth = external' and needs `certificate' and "
    "`key' for it" },
  { SOUND "auth = plain\n",
    "F:1:1: account `a' has `auth' and needs `user' for it: write `user = "
    "NAME'" },
#define EXCLUDE(one, other)                                                   \
  "`" one "' and `" other "' exclude each other: leave one of them out"
  { SOUND "proxy = p.example:1\nsocket = /s\n",
    "F:5:1: " EXCLUDE ("proxy", "socket") },
  { SOUND "tunnel = t\nproxy = p.example:1\n",
    "F:5:1: " EXCLUDE ("proxy", "tunnel") },
  { SOUND "tunnel = t\nsource-address = 192.0.2.1\nsocket = /s\n",
    "F:5:1: " EXCLUDE ("source-address", "tunnel") "\n"
    "F:6:1: " EXCLUDE ("socket", "tunnel") "\n"
    "F:6:1: " EXCLUDE ("source-address", "socket") },
  { SOUND "source-address = 192.0.2.1\n[defaults]\ntunnel = t\n",
    "F:4:1: " EXCLUDE ("source-address", "tunnel") },
  { SOUND "proxy = p.example:1\n[defaults]\nsocket = /s\ntunnel = t\n",
    "F:7:1: " EXCLUDE ("socket", "tunnel") },
  /* All of one file, in its order, those of [defaults] once. */
  { "[a]\nport = 0\nhsot = x\n[b]\nfrom = b@x.example\nhost = b.example\n"
    "[defaults]\ntls = off\n",
    "F:1:1: account `a' needs `from' and `host': write `from = "
    "me@example.org' and `host = smtp.example.org'\n"
    "F:2:8: `port' cannot be `0': write a number from 1 to 65535\n"
    "F:3:1: there is no setting `hsot': did you mean `host'?\n"
    "F:8:7: `tls' cannot be `off': write one of these: implicit, starttls" },
};

static void
test_errors (Fixture *fixture, const void *data)
{
  for (size_t i = 0; i < G_N_ELEMENTS (errors); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Accounts) accounts = load (fixture, errors[i].text, &error);
      g_autofree char *text = NULL;

      g_assert_null (accounts);
      g_assert_error (error, FAILURE, FAILURE_CONFIG);
      text = text_of (fixture, error);
      g_assert_cmpstr (text, ==, errors[i].errors);
      g_assert_null (strstr (text, "hunter2"));
    }
}

static void
test_homeless (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  g_assert_true (g_file_set_contents (
      fixture->file, SOUND "trust-file = ~/ca.pem\n", -1, NULL));
  g_assert_null (accounts_load (fixture->file, NULL, &error));
  text = text_of (fixture, error);
  g_assert_cmpstr (text, ==,
                   "F:4:14: `trust-file' cannot be `~/ca.pem': this user has "
                   "no home directory: write an absolute path");
}

/* An account's own takes the place of that of [defaults]. */
static void
test_secret_source (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Accounts) accounts = load (
      fixture,
      SOUND "user=u\npassword-command = ~/bin/p 'a b' \"c d\" e\\ f $HOME\n"
            "[b]\nfrom=b@x.example\nhost=x.example\nuser=u\n"
            "[defaults]\npassword-file = ~/secret\n",
      &error);
  static const char *const expected[]
      = { "/home/me/bin/p", "a b", "c d", "e f", "$HOME", NULL };

  g_assert_no_error (error);
  g_assert_cmpstr (account_at (accounts, 0)->secret_source, ==,
                   "password-command");
  g_assert_true (
      g_strv_equal ((const char *const *) account_at (accounts, 0)
                        ->password_command,
                    expected));
  g_assert_cmpuint (account_at (accounts, 0)->password_timeout, ==, 30000);
  g_assert_cmpstr (account_at (accounts, 1)->secret_source, ==,
                   "password-file");
  g_assert_cmpstr (account_at (accounts, 1)->password_file, ==,
                   "/home/me/secret");
}

/* The initial values are written in two places. */
static void
test_initial (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Accounts) accounts = load (fixture, SOUND, &error);
  Relay relay;

  relay_init (&relay);
  g_assert_no_error (error);
  g_assert_cmpmem (&account_at (accounts, 0)->relay.timeouts,
                   sizeof (RelayTimeouts), &relay.timeouts,
                   sizeof (RelayTimeouts));
  relay_clear (&relay);
}

/* No less than RFC 5321 section 4.5.3.2 wants: greeting and commands five minutes,
   DATA two, a block three, the end of the data ten. TCP is not spoken of there. */
static void
test_patience (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Accounts) accounts = load (fixture, SOUND, &error);
  const RelayTimeouts *timeouts;

  g_assert_no_error (error);
  timeouts = &account_at (accounts, 0)->relay.timeouts;
  g_assert_cmpuint (timeouts->connect, ==, 30 * 1000);
  g_assert_cmpuint (timeouts->command, ==, 5 * 60 * 1000);
  g_assert_cmpuint (timeouts->data, ==, 2 * 60 * 1000);
  g_assert_cmpuint (timeouts->block, ==, 3 * 60 * 1000);
  g_assert_cmpuint (timeouts->end_of_data, ==, 10 * 60 * 1000);
  g_assert_cmpuint (timeouts->quit, ==, 5 * 1000);
}

static void
test_table (void)
{
  for (size_t i = 0; i < settings_count; i++)
    {
      const Setting *setting = &settings[i];

      g_assert_true (settings_find (setting->scope, setting->name) == setting);
      g_assert_true (g_str_has_suffix (setting->help, "."));
    }
}

static void
test_own_file (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Accounts) accounts = load (fixture, SOUND, &error);
  g_autoptr (Accounts) found = accounts_load (NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (found->file, ==, fixture->file);
  g_assert_cmpuint (found->accounts->len, >=, 1);
  g_assert_cmpstr (account_at (found, 0)->file, ==, fixture->file);
}

static void
test_both_files (Fixture *fixture, const void *data)
{
  static const char system_text[]
      = "[a]\nfrom=a@s.example\nhost=s.example\ndefault = yes\n"
        "[s]\nfrom=s@s.example\nhost=s.example\n"
        "[postrider]\nlog = syslog\nmaximum-size = 1K\n"
        "queue-lifetime = 1d\nkeep-held = 7d\nstart-runner = no\n";
  g_autoptr (GError) error = NULL;
  g_autoptr (Accounts) accounts = NULL;
  g_autoptr (Accounts) user
      = load (fixture, SOUND "[postrider]\nlog = none\nkeep-held = forever\n",
              &error);

  g_assert_cmpint (g_mkdir_with_parents (SYSCONFDIR "/postrider", 0700), ==,
                   0);
  g_assert_true (g_file_set_contents (ACCOUNTS_SYSTEM_FILE, system_text, -1, NULL));
  accounts = accounts_load (NULL, "/home/me", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (accounts->accounts->len, ==, 2);
  g_assert_cmpstr (account_at (accounts, 0)->relay.host, ==, "x.example");
  g_assert_false (account_at (accounts, 0)->is_default);
  g_assert_cmpstr (account_at (accounts, 1)->name, ==, "s");
  g_assert_cmpstr (accounts->general.log, ==, "none");
  g_assert_cmpuint (accounts->general.maximum_size, ==, 1024);
  g_assert_cmpint (accounts->general.queue_lifetime, ==, 24 * 3600);
  g_assert_cmpint (accounts->general.keep_held, ==, 0);
  g_assert_false (accounts->general.start_runner);
  g_assert_true (accounts->general.notify);
  g_assert_cmpint (g_chmod (ACCOUNTS_SYSTEM_FILE, 0666), ==, 0);
  g_assert_null (accounts_load (NULL, "/home/me", &error));
  g_assert_error (error, FAILURE, FAILURE_CONFIG);
}

static void
test_absent_file (Fixture *fixture, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Accounts) accounts = accounts_load (NULL, "/home/me", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (accounts->file, ==, fixture->file);
  g_assert_null (accounts_load (fixture->file, "/home/me", &error));
  g_assert_error (error, FAILURE, FAILURE_CONFIG);
  g_assert_nonnull (strstr (error->message, fixture->file));
}

#define HOST "host = x.example\n"
#define FILE_OF_FOUR                                                          \
  "[exact]\nfrom = me@work.example\n" HOST                                    \
  "[short]\nfrom = *@*.example\n" HOST                                        \
  "[long]\nfrom = *@Work.example, m?@*.work.example\n" HOST                   \
  "[main]\nfrom = me@main.test\ndefault = yes\n" HOST

static void
test_choose (Fixture *fixture, const void *data)
{
  static const struct
  {
    const char *text;
    const char *name;
    const char *sender;
    const char *account; /* NULL: the next is an error */
    bool claimed;
    const char *error;
  } cases[] = {
    { FILE_OF_FOUR, NULL, "me@work.example", "exact", true, NULL },
    { FILE_OF_FOUR, NULL, "me@WORK.Example", "exact", true, NULL },
    { FILE_OF_FOUR, NULL, "ME@work.example", "long", true, NULL },
    { FILE_OF_FOUR, NULL, "you@work.EXAMPLE", "long", true, NULL },
    { FILE_OF_FOUR, NULL, "me@a.work.example", "long", true, NULL },
    { FILE_OF_FOUR, NULL, "Me@a.work.example", "short", true, NULL },
    { FILE_OF_FOUR, NULL, "mee@a.work.example", "short", true, NULL },
    { FILE_OF_FOUR, NULL, "m\xc3\xa4@a.work.example", "long", true, NULL },
    { FILE_OF_FOUR, NULL, "\"a@b\"@home.example", "short", true, NULL },
    { FILE_OF_FOUR, NULL, "me@work.test", "main", false, NULL },
    { FILE_OF_FOUR, NULL, "me@main.test", "main", true, NULL },
    { FILE_OF_FOUR, NULL, "root", "main", false, NULL },
    { FILE_OF_FOUR, NULL, "", "main", false, NULL },
    { FILE_OF_FOUR, NULL, NULL, "main", false, NULL },
    { FILE_OF_FOUR, NULL, "m\xff@a.work.example", "main", false, NULL },
    { FILE_OF_FOUR, "short", "me@work.example", "short", true, NULL },
    { FILE_OF_FOUR, "main", "me@work.example", "main", false, NULL },
    { FILE_OF_FOUR, "shrot", NULL, NULL, false,
      "there is no account `shrot': did you mean `short'?" },
    { FILE_OF_FOUR, "private", NULL, NULL, false,
      "there is no account `private' in F" },
    { SOUND, NULL, "you@y.test", "a", false, NULL },
    { SOUND, NULL, NULL, "a", false, NULL },
    { "", NULL, NULL, NULL, false,
      "there is no account: run `postrider setup', or write one to F, as "
      "postrider-accounts(5) shows" },
    { SOUND "[b]\nfrom = b@x.example\n" HOST, NULL, NULL, NULL, false,
      "there are several accounts and none is the default: write `default = "
      "yes' to one of them in F" },
    { SOUND "[b]\nfrom = b@x.example\n" HOST, NULL, "c@x.example", NULL, false,
      "no account is for the sender c@x.example and none is the default: in "
      "F, add the address to the `from' of one, or write `default = yes' to "
      "one" },
    { SOUND "[b]\nfrom = a@x.example\n" HOST, NULL, "a@x.example", "a", true,
      NULL },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Accounts) accounts = load (fixture, cases[i].text, &error);
      bool claimed = !cases[i].claimed;
      const Account *account;

      g_assert_no_error (error);
      account = accounts_choose (accounts, cases[i].name, cases[i].sender,
                                 &claimed, &error);
      g_test_message ("case %zu", i);
      g_assert_cmpstr (account != NULL ? account->name : NULL, ==,
                       cases[i].account);
      g_assert_true (claimed == cases[i].claimed);
      if (account == NULL)
        {
          g_autofree char *text = text_of (fixture, error);

          g_assert_error (error, FAILURE, FAILURE_CONFIG);
          g_assert_cmpstr (text, ==, cases[i].error);
        }
    }
}

/* Letters u and s: accounts of the user's file and of the system's; upper
 * case: marked as default. */
static void
test_default (void)
{
  static const struct
  {
    const char *accounts;
    int chosen; /* -1: none */
  } cases[] = {
    { "u", 0 },   { "U", 0 },   { "uu", -1 }, { "uU", 1 }, { "s", 0 },
    { "ss", -1 }, { "sS", 1 },  { "us", 0 },  { "uS", 0 }, { "uus", -1 },
    { "uuS", 2 }, { "uUS", 1 }, { "uss", 0 }, { "", -1 },  { "uussS", 4 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_free);
      g_autoptr (GPtrArray) from = g_ptr_array_new ();
      Accounts accounts = { .accounts = all, .file = (char *) "F" };
      const Account *account;

      for (const char *p = cases[i].accounts; *p != '\0'; p++)
        {
          Account *one = g_new0 (Account, 1);

          one->name = (char *) p;
          one->from = from;
          one->is_default = g_ascii_isupper (*p);
          one->file = (char *) (g_ascii_tolower (*p) == 'u' ? "U" : "S");
          g_ptr_array_add (all, one);
        }
      account = accounts_choose (&accounts, NULL, NULL, NULL, NULL);
      g_assert_cmpint (
          account != NULL ? (int) (account->name - cases[i].accounts) : -1, ==,
          cases[i].chosen);
    }
}

/* One setting by itself, as somebody gives it who has no file yet. */
static void
test_may_set (void)
{
  static const struct
  {
    const char *name;
    const char *value;
    const char *problem; /* NULL: it may be */
  } cases[] = {
    { "host", "smtp.example.org", NULL },
    { "host", "[192.0.2.1]", "`host' cannot be `[192.0.2.1]': " },
    { "port", "465", NULL },
    { "port", "0", "`port' cannot be `0': write a number" },
    { "tls", "starttls", NULL },
    { "tls", "startls", "did you mean `starttls'?" },
    { "trust-file", "/x/ca.pem", NULL },
    { "trust-file", "ca.pem", "`trust-file' cannot be `ca.pem': " },
    { "token-command", "oama access me@example.org", NULL },
    { "token-command", "oama 'access", "`token-command' cannot be" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      bool may = account_may_set (cases[i].name, cases[i].value, "/home/me",
                                  &error);

      g_test_message ("%s = %s", cases[i].name, cases[i].value);
      g_assert_cmpint (may, ==, cases[i].problem == NULL);
      if (may)
        continue;
      g_assert_error (error, FAILURE, FAILURE_USAGE);
      g_assert_nonnull (strstr (error->message, cases[i].problem));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define FILE_TEST(path, function)                                             \
  g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  FILE_TEST ("/account/minimal", test_minimal);
  FILE_TEST ("/account/everything", test_everything);
  FILE_TEST ("/account/queue-settings", test_queue_settings);
  FILE_TEST ("/account/delivery", test_delivery);
  FILE_TEST ("/account/defaults", test_defaults);
  FILE_TEST ("/account/pins", test_pins);
  FILE_TEST ("/account/ways", test_ways);
  FILE_TEST ("/account/errors", test_errors);
  FILE_TEST ("/account/homeless", test_homeless);
  FILE_TEST ("/account/secret-source", test_secret_source);
  FILE_TEST ("/account/initial", test_initial);
  FILE_TEST ("/account/patience", test_patience);
  g_test_add_func ("/account/table", test_table);
  FILE_TEST ("/account/own-file", test_own_file);
  FILE_TEST ("/account/both-files", test_both_files);
  FILE_TEST ("/account/absent-file", test_absent_file);
  FILE_TEST ("/account/choose", test_choose);
  g_test_add_func ("/account/default", test_default);
  g_test_add_func ("/account/may-set", test_may_set);
  return g_test_run ();
}
