/* Files of other programs: which accounts become of them, what is noted, and which
 * passwords go to the keyring. */

#include <string.h>

#include <glib.h>

#include "account/edit.h"
#include "cli/draft.h"
#include "cli/import-esmtp.h"
#include "cli/import-msmtp.h"
#include "cli/import-nullmailer.h"
#include "cli/import-ssmtp.h"
#include "cli/netrc.h"

#define NOTES 4

typedef struct
{
  const char *name;
  const char *old;
  const char *new;            /* the accounts file; "": none is written */
  const char *passwords;      /* "account=password" of each, in lines */
  const char *notes[NOTES + 1]; /* "LINE: text", or the beginning of it */
} Case;

static Secret *
evaluate (const char *command)
{
  return strcmp (command, "fail") == 0
             ? NULL
             : secret_new (command, strlen (command));
}

static const DraftWorld world
    = { "me", "box.example.org", "mail.example.org", evaluate };

static char *
passwords_of (const Draft *draft)
{
  GString *out = g_string_new (NULL);

  for (size_t i = 0; i < draft->accounts->len; i++)
    {
      const DraftAccount *account = g_ptr_array_index (draft->accounts, i);

      if (account->password != NULL)
        g_assert_cmpstr (account->password_file, ==, "old");
      if (account->password != NULL)
        g_string_append_printf (out, "%s%s=%s", out->len > 0 ? "\n" : "",
                                account->name,
                                secret_octets (account->password));
    }
  return g_string_free (out, FALSE);
}

static bool
is_noted (const Draft *draft, const char *wanted)
{
  for (size_t i = 0; i < draft->notes->len; i++)
    {
      const DraftNote *note = g_ptr_array_index (draft->notes, i);
      g_autofree char *text = g_strdup_printf ("%d: %s", note->line, note->text);

      g_assert_cmpstr (note->file, ==, "old");
      if (g_str_has_prefix (text, wanted))
        return true;
    }
  return false;
}

static void
check_notes (const Draft *draft, const Case *one)
{
  size_t wanted = 0;

  while (one->notes[wanted] != NULL)
    {
      if (!is_noted (draft, one->notes[wanted]))
        {
          g_test_message ("%s: `%s' is not noted", one->name,
                          one->notes[wanted]);
          g_test_fail ();
        }
      wanted++;
    }
  if (draft->notes->len == wanted)
    return;
  g_test_fail ();
  for (size_t i = 0; i < draft->notes->len; i++)
    {
      const DraftNote *note = g_ptr_array_index (draft->notes, i);

      g_test_message ("%s: note %d: %s", one->name, note->line, note->text);
    }
}

static void
check_equal (const Case *one, const char *got, const char *wanted)
{
  if (strcmp (got, wanted) == 0)
    return;
  g_test_message ("%s: wanted:\n%s\ngot:\n%s", one->name, wanted, got);
  g_test_fail ();
}

static void
check (const Case *one, void (*read) (Draft *, const DraftText *))
{
  DraftText text = { "old", one->old, strlen (one->old) };
  g_autoptr (Draft) draft = draft_new (&world);
  g_autoptr (Edit) edit = edit_open_text ("accounts", "/home/me", "", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *passwords = NULL;

  read (draft, &text);
  draft_apply (draft, edit);
  check_equal (one, edit_text (edit), one->new);
  g_assert_true (edit_check (edit, &error));
  passwords = passwords_of (draft);
  check_equal (one, passwords, one->passwords);
  check_notes (draft, one);
}

/* What most of them need. */
#define H "host h.example\n"
#define F "from me@h.example\n"
#define T "tls on\n"
#define U "auth on\nuser me\n"
#define NEW(name, rest)                                                       \
  "[" name "]\nfrom = me@h.example\nhost = h.example\n" rest

static const Case msmtp[] = {
  { "an account", "account a\n" H F T U "port 587\n",
    NEW ("a", "tls = starttls\nuser = me\n"), "", { NULL } },
  { "the default port of msmtp", "account a\n" H F T U,
    NEW ("a", "port = 25\ntls = starttls\nuser = me\n"), "", { NULL } },
  { "implicit TLS", "account a\n" H F T U "tls_starttls off\n",
    NEW ("a", "user = me\n"), "", { NULL } },
  { "as of version 1.2", H F T U "tls_nostarttls\n",
    NEW ("default", "user = me\ndefault = yes\n"), "", { NULL } },
  { "blanks, quotes, comments and CRLF",
    "\t# x\r\n  account \t a \r\n\thost  \"h.example\"  \r\n" F T
    "tls_starttls\toff\r\n\r\nuser \"a \"b\" c\"\nauth\n",
    NEW ("a", "user = a \"b\" c\n"), "", { NULL } },
  { "a comment stands alone", "account a\n" H F T "tls_starttls off\nuser a # b\n",
    NEW ("a", "user = \"a # b\"\n"), "", { NULL } },
  { "defaults count for what comes below",
    "defaults\n" T "tls_starttls off\nport 1465\naccount a\n" H F
    "user a\ndefaults\nport 2465\naccount b\n" H "from me@b.example\nuser b\n",
    "[a]\nfrom = me@h.example, me+*@h.example\nhost = h.example\n"
    "port = 1465\nuser = a\n\n"
    "[b]\nfrom = me@b.example, me+*@b.example\nhost = h.example\n"
    "port = 2465\nuser = b\n",
    "", { NULL } },
  { "copies are of what accounts say themselves",
    "defaults\n" T "tls_starttls off\nport 1000\naccount a\n" H F "user a\n"
    "port 2000\ndefaults\ntimeout 9\nport 3000\naccount b\nuser b\n"
    "account c : a , b\nfrom *@c.example\n",
    "[a]\nfrom = me@h.example, me+*@h.example\nhost = h.example\n"
    "port = 2000\nuser = a\n\n"
    "[c]\nfrom = *@c.example\nhost = h.example\nport = 2000\nuser = b\n"
    "timeout-connect = 9s\n",
    "", { "13: account `b' is left out: it has no `host'" } },
  { "the default is another name",
    "account a\n" H F T U "tls_starttls off\naccount default : a\n",
    "[a]\nfrom = me@h.example, me+*@h.example\nhost = h.example\nuser = me\n"
    "default = yes\n",
    "", { NULL } },
  { "the default has another log",
    "account a\n" H F T U "tls_starttls off\naccount default : a\nlogfile ~/l\n"
    "syslog on\n",
    "[postrider]\nlog = ~/l\n\n"
    "[a]\nfrom = me@h.example, me+*@h.example\nhost = h.example\nuser = me\n"
    "default = yes\n",
    "", { NULL } },
  { "the default differs",
    "account a\n" H F T U "tls_starttls off\n"
    "account default : a\nfrom you@h.example\n",
    "[a]\nfrom = me@h.example, me+*@h.example\nhost = h.example\nuser = me\n"
    "\n[default]\nfrom = you@h.example, you+*@h.example\nhost = h.example\n"
    "user = me\ndefault = yes\n",
    "", { NULL } },
  { "names of accounts", "account my mail\n" H F T U "tls_starttls off\n",
    NEW ("my-mail", "user = me\n"), "",
    { "1: account `my mail' is called `my-mail' now" } },
  { "accounts that are none",
    "account\n" H F T "account a\n" H F T U "tls_starttls off\n"
    "account a\nhost evil.example\naccount b : z\n",
    "[a]\nfrom = me@h.example, me+*@h.example\nhost = h.example\nuser = me\n",
    "",
    { "1: this account has no name", "12: this account was there already",
      "14: there is no account `z'", "14: account `b' is left out: it sends "
                                     "without TLS" } },
  { "a password", "account a\n" H F T U "tls_starttls off\npassword \" a\"b # c\"\n",
    NEW ("a", "user = me\n"), "a= a\"b # c", { NULL } },
  { "a password goes before a command",
    "account a\n" H F T U "tls_starttls off\npassword x\npasswordeval pass show "
    "x\n",
    NEW ("a", "user = me\n"), "a=x", { NULL } },
  { "no password", "account a\n" H F T U "tls_starttls off\npassword x\npassword\n",
    NEW ("a", "user = me\n"), "", { NULL } },
  { "a password that is none",
    "account a\n" H F T U "tls_starttls off\npassword \xff\n",
    NEW ("a", "user = me\n"), "", { "8: this password cannot be stored: its first "
                                    "line is not UTF-8" } },
  { "a command that prints what stands there",
    "account a\n" H F T U "tls_starttls off\npasswordeval \"echo 'hunter 2'\"\n",
    NEW ("a", "user = me\n"), "a=hunter 2", { NULL } },
  { "a command", "account a\n" H F T U "tls_starttls off\npasswordeval \"gpg -q "
    "--for-your-eyes-only --no-tty -d /home/me/.pw.gpg\"\n",
    NEW ("a", "user = me\npassword-command = gpg -q --for-your-eyes-only "
              "--no-tty -d /home/me/.pw.gpg\n"),
    "", { NULL } },
  { "a command that needs a shell",
    "account a\n" H F T U "tls_starttls off\npasswordeval echo $(pass x) | tail "
    "-n1\n",
    NEW ("a", "user = me\npassword-command = sh -c 'echo $(pass x) | tail "
              "-n1'\n"),
    "", { NULL } },
  { "a command with quotes", "account a\n" H F T U "tls_starttls off\n"
    "passwordeval cat '/home/me/my pw' ~/x\n",
    NEW ("a", "user = me\npassword-command = sh -c 'cat '\\''/home/me/my "
              "pw'\\'' ~/x'\n"),
    "", { NULL } },
  { "a token", "account a\n" H F T "tls_starttls off\nauth xoauth2\nuser me\n"
    "passwordeval oama access me@h.example\n",
    NEW ("a", "user = me\ntoken-command = oama access me@h.example\nauth = "
              "xoauth2\n"),
    "", { NULL } },
  { "mechanisms", "account a\n" H F T "tls_starttls off\nauth scram-sha-1\nuser "
    "me\n",
    NEW ("a", "user = me\nauth = scram-sha-1\n"), "", { NULL } },
  { "a mechanism that is none", "account a\n" H F T "tls_starttls off\nauth x\n"
    "user me\n",
    NEW ("a", "user = me\n"), "", { "6: `auth' cannot be `x'" } },
  { "no login", "account a\n" H F T "tls_starttls off\n", NEW ("a", ""), "",
    { "1: account `a' does not log in" } },
  { "no TLS", "account a\n" H F U "tls off\n", "", "",
    { "6: account `a' is left out: it sends without TLS" } },
  { "TLS is off where nothing is said", "account a\n" H F U, "", "",
    { "1: account `a' is left out: it sends without TLS" } },
  { "LMTP", "account a\n" H F T U "protocol lmtp\n", "", "",
    { "7: account `a' is left out: it speaks LMTP" } },
  { "trust", "account a\n" H F T U "tls_starttls off\ntls_trust_file "
    "/etc/ssl/certs/ca-certificates.crt\naccount b : a\nfrom b@h.example\n"
    "tls_trust_file ~/ca.pem\ntls_crl_file ~/crl.pem\n",
    "[a]\nfrom = me@h.example, me+*@h.example\nhost = h.example\nuser = me\n\n"
    "[b]\nfrom = b@h.example, b+*@h.example\nhost = h.example\nuser = me\n"
    "trust-file = ~/ca.pem\ncrl-file = ~/crl.pem\n",
    "", { NULL } },
  { "no trust", "account a\n" H F T U "tls_starttls off\ntls_certcheck off\n",
    NEW ("a", "user = me\n"), "", { "8: certificates are always checked" } },
  { "a fingerprint", "account a\n" H F T U "port 26\ntls_fingerprint 00:11\n",
    NEW ("a", "port = 26\ntls = starttls\nuser = me\n"), "",
    { "8: a `pin' is that of a key, and cannot be made of a certificate's "
      "fingerprint: run `gnutls-cli --insecure --print-cert "
      "--starttls-proto=smtp -p 26 h.example </dev/null | certtool -i'" } },
  { "a client certificate", "account a\n" H F T "tls_starttls off\nauth external\n"
    "tls_key_file ~/k.pem\ntls_cert_file ~/c.pem\n",
    NEW ("a", "auth = external\ncertificate = ~/c.pem\nkey = ~/k.pem\n"), "",
    { NULL } },
  { "a key without a certificate",
    "account a\n" H F T U "tls_starttls off\ntls_key_file ~/k.pem\n", "", "",
    { "1: account `a' needs both" } },
  { "ways", "account a\n" H F T U "tls_starttls off\nproxy_host ::1\nproxy_port "
    "9050\naccount b\n" H "from b@h.example\n" T U "tls_starttls off\nproxy_host "
    "tor.example\nsource_ip 192.0.2.1\n",
    "[a]\nfrom = me@h.example, me+*@h.example\nhost = h.example\nuser = me\n"
    "proxy = socks5://[::1]:9050\n\n"
    "[b]\nfrom = b@h.example, b+*@h.example\nhost = h.example\nuser = me\n"
    "proxy = socks5://tor.example:1080\nsource-address = 192.0.2.1\n",
    "", { NULL } },
  { "what relays are told",
    "account a\n" H F T U "tls_starttls off\ndomain %H\ndsn_notify "
    "failure,delay\ndsn_return headers\ntimeout off\n",
    NEW ("a", "user = me\nehlo-name = box.example.org\ndsn-notify = "
              "failure,delay\ndsn-return = hdrs\n"),
    "", { NULL } },
  { "senders are replaced",
    "account a\n" H F T U "tls_starttls off\nallow_from_override off\n",
    NEW ("a", "user = me\nrewrite-from = always\n"), "", { NULL } },
  { "patterns", "account a\n" H T U "tls_starttls off\nfrom *.example\n"
    "account b : a\nfrom me[12]@h.example\naccount c : a\nfrom *\n",
    "[a]\nfrom = *@*.example\nhost = h.example\nuser = me\n\n"
    "[c]\nfrom = *@*\nhost = h.example\nuser = me\n",
    "",
    { "9: `[' stands for itself", "9: account `b' is left out: it has no "
                                  "address" } },
  { "patterns of the machine", "account a\n" H T U "tls_starttls off\nfrom "
    "%U@%M\n",
    "[a]\nfrom = me@mail.example.org\nhost = h.example\nuser = me\n", "",
    { NULL } },
  { "patterns of the message", "account a\n" H T U "tls_starttls off\nfrom %F\n",
    "", "",
    { "7: `%' patterns stand for nothing here",
      "7: account `a' is left out: it has no address of its own" } },
  { "a pattern comes first", "account a\n" H T U "tls_starttls off\nfrom "
    "*@h.example\naccount b : a\nfrom me@h.example\n",
    "[a]\nfrom = *@h.example\nhost = h.example\nuser = me\n\n"
    "[b]\nfrom = me@h.example, me+*@h.example\nhost = h.example\nuser = me\n",
    "", { "9: msmtp sent mail from me@h.example through `a'" } },
  { "no sender", "account a\n" H T "tls_starttls off\nuser me@h.example\n",
    NEW ("a", "user = me@h.example\n"), "",
    { "1: account `a' has no address, so it gets me@h.example" } },
  { "no sender and no address", "account a\n" H T "tls_starttls off\nuser me\n",
    "", "", { "1: account `a' is left out: it has no address" } },
  { "a name for a sender",
    "account a\n" H T "tls_starttls off\nfrom Joe Doe\nuser me@h.example\n",
    NEW ("a", "user = me@h.example\n"), "",
    { "5: `from' cannot be `Joe Doe'",
      "5: account `a' has no address, so it gets me@h.example" } },
  { "made senders", "account a\n" H F T U "tls_starttls off\nauto_from\nmaildomain "
    "m.example\naccount b\n" H F T U "tls_starttls off\nauto_from\n",
    "[a]\nfrom = me@m.example, me@h.example, me+*@h.example\nhost = h.example\n"
    "user = me\n\n"
    "[b]\nfrom = me@h.example, me+*@h.example\nhost = h.example\nuser = me\n",
    "", { NULL } },
  { "for all accounts", "account a\n" H F T U "tls_starttls off\nlogfile "
    "~/log\naliases ~/al\naccount b : a\nfrom b@h.example\nlogfile ~/other\n",
    "[postrider]\naliases = ~/al\nlog = ~/log\n\n"
    "[a]\nfrom = me@h.example, me+*@h.example\nhost = h.example\nuser = me\n\n"
    "[b]\nfrom = b@h.example, b+*@h.example\nhost = h.example\nuser = me\n",
    "", { "12: `log' can be set once" } },
  { "a log on paper", "account a\n" H F T U "tls_starttls off\nlogfile -\n",
    NEW ("a", "user = me\n"), "", { "8: `logfile -'" } },
  { "what has no equivalent",
    "account a\n" H F T U "tls_starttls off\ntls_priorities NORMAL\n"
    "set_to_header undisclosed_recipients\nremove_bcc_headers off\n"
    "set_from_header auto\nset_date_header off\n",
    NEW ("a", "user = me\n"), "",
    { "8: `tls_priorities'", "9: `set_to_header'", "10: `remove_bcc_headers'",
      "12: `set_date_header'" } },
  { "what changes nothing", "account a\n" H F T U "tls_starttls off\nsyslog on\n"
    "undisclosed_recipients off\nkeepbcc off\nadd_missing_from_header on\n"
    "tls_force_sslv3\nset_msgid_header auto\n",
    NEW ("a", "user = me\n"), "", { NULL } },
  { "eval", "account a\neval " H F T U "tls_starttls off\neval password x y\n"
    "eval fail\n",
    NEW ("a", "user = me\n"), "a=x y",
    { "2: what the command printed now is taken",
      "8: what the command printed now is the password",
      "9: the command of this line gives nothing" } },
  { "lines that are none", "account a\n" H F T U "tls_starttls off\npasswd "
    "secret\nhunter2\ntls maybe\nport 99999\n",
    "[a]\nfrom = me@h.example\nhost = h.example\nuser = me\n", "",
    { "8: msmtp has no such command", "9: msmtp has no such command",
      "10: `tls' cannot be `maybe' in msmtp", "11: `port' cannot be `99999'" } },
  { "nothing", "", "", "", { NULL } },
};

static void
test_msmtp (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (msmtp); i++)
    check (&msmtp[i], import_msmtp);
}

/* msmtp reads 500 octets of a line. */
static void
test_sizes (void)
{
  g_autofree char *name = g_strnfill (495, 'a');
  g_autofree char *fits = g_strconcat ("user ", name, "\n", NULL);
  g_autofree char *long_one = g_strconcat ("user  ", name, "\n", NULL);
  g_autoptr (Draft) draft = draft_new (&world);

  import_msmtp (draft, &(DraftText){ "old", fits, strlen (fits) });
  g_assert_false (is_noted (draft, "1: this line is too long"));
  import_msmtp (draft, &(DraftText){ "old", long_one, strlen (long_one) });
  g_assert_true (is_noted (draft, "1: this line is too long"));
}

/* Both files of ssmtp in one text: "--" stands between them. */
static void
read_ssmtp (Draft *draft, const DraftText *text)
{
  const char *second = strstr (text->octets, "--\n");
  DraftText conf = *text, revaliases = *text;

  if (second == NULL)
    {
      import_ssmtp (draft, text, NULL);
      return;
    }
  conf.length = (size_t) (second - text->octets);
  revaliases.file = "revaliases";
  revaliases.octets = second + 3;
  revaliases.length = text->length - conf.length - 3;
  import_ssmtp (draft, &conf, &revaliases);
}

#define S "mailhub=h.example:465\nUseTLS=YES\nFromLineOverride=YES\n"

static const Case ssmtp[] = {
  { "one relay for all",
    "# x\nroot=me@g.example\nmailhub=h.example:587 # y\nUseSTARTTLS=YES\n"
    "AUTHUSER=me@g.example\nAuthPass=a#b\nFromLineOverride=yes\n",
    "[postrider]\nlocal-mail-to = me@g.example\n\n"
    "[default]\nfrom = me@g.example, *@box.example.org\nhost = h.example\n"
    "tls = starttls\nuser = me@g.example\ndefault = yes\n",
    "default=a#b", { NULL } },
  { "senders are replaced unless they may stay",
    "mailhub = h.example:465\nusetls = yes\nAuthUser = me\nAuthUser = you\n"
    "rewriteDomain=x@r.example\n",
    "[default]\nfrom = me@r.example, *@r.example\nhost = h.example\nuser = me\n"
    "default = yes\nrewrite-from = always\n",
    "", { NULL } },
  { "aliases",
    S "AuthUser=u\nAuthPass=p\nhostname=m.example\n--\n# x\n"
      "www:web@h.example\nme:me@h.example:h.example:1465\nroot:r@h.example:"
      "z.example\nme:I@h.example\nguest:g@h.example:z.example:26\n",
    "[default]\nfrom = me@h.example, I@h.example, *@m.example, web@h.example\n"
    "host = h.example\nport = 1465\nuser = u\ndefault = yes\n\n"
    "[root]\nfrom = r@h.example\nhost = z.example\nuser = u\n\n"
    "[guest]\nfrom = g@h.example\nhost = z.example\nport = 26\nuser = u\n",
    "default=p\nroot=p\nguest=p", { NULL } },
  { "no TLS", "mailhub=h.example\nAuthUser=u\n", "", "",
    { "1: account `default' is left out: it sends without TLS" } },
  { "certificates", S "UseTLSCert=YES\nTLSCert=/c.pem\nTLS_CA_File=/ca.pem\n"
    "AuthUser=u\nAuthMethod=CRAM-MD5\n",
    "[default]\nfrom = me@box.example.org, *@box.example.org\n"
    "host = h.example\nuser = u\nauth = cram-md5\ndefault = yes\n"
    "trust-file = /ca.pem\ncertificate = /c.pem\nkey = /c.pem\n",
    "", { NULL } },
  { "what has no equivalent", S "AuthUser=u\nAddHeader=X-A: b\nAuthPassword=x\n"
    "TLS_CA_Dir=/etc/ssl\nDebug=YES\n",
    "[default]\nfrom = me@box.example.org, *@box.example.org\n"
    "host = h.example\nuser = u\ndefault = yes\n",
    "", { "5: `AddHeader'", "6: ssmtp has no such setting", "7: `TLS_CA_Dir'" } },
  { "no login", S,
    "[default]\nfrom = me@box.example.org, *@box.example.org\n"
    "host = h.example\ndefault = yes\n",
    "", { "1: account `default' does not log in" } },
  { "no relay", "root=me\n", "", "", { NULL } },
};

static void
test_ssmtp (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (ssmtp); i++)
    check (&ssmtp[i], read_ssmtp);
}

static void
read_nullmailer (Draft *draft, const DraftText *text)
{
  static const NullmailerControls controls
      = { .me = "m.example.org", .admin_address = "admin@h.example",
          .queue_lifetime = "3600" };

  import_nullmailer (draft, text, &controls);
}

static void
read_nullmailer_forced (Draft *draft, const DraftText *text)
{
  static const NullmailerControls controls
      = { .me = "m", .default_domain = "d.example", .helo_host = "e.example",
          .all_mail_from = "all@h.example" };

  import_nullmailer (draft, text, &controls);
}

#define G "[postrider]\nlocal-mail-to = admin@h.example\nqueue-lifetime = 3600s\n\n"
#define N "[default]\nfrom = me@m.example.org, *@m.example.org\nhost = h.example\n"

static const Case nullmailer[] = {
  { "a relay", "# x\n\n  h.example smtp --port=587 --starttls --user=u "
    "--pass='a \"b\"\\' \n",
    G N "tls = starttls\nuser = u\ndefault = yes\n", "default=a \"b\"\\",
    { NULL } },
  { "without dashes", "h.example smtp ssl user=u@h.example pass=\"a \\\"b\" "
    "auth-login\n",
    G "[default]\nfrom = u@h.example, *@m.example.org\nhost = h.example\n"
      "user = u@h.example\nauth = login\ndefault = yes\n",
    "default=a \"b", { NULL } },
  { "TLS options", "h.example smtp tls port=1465 user=u x509certfile=/c.pem "
    "x509cafile=/ca.pem x509crlfile=/crl source=192.0.2.1 insecure\n",
    G N "port = 1465\nuser = u\ndefault = yes\ntrust-file = /ca.pem\n"
        "crl-file = /crl\ncertificate = /c.pem\nkey = /c.pem\n"
        "source-address = 192.0.2.1\n",
    "", { "1: certificates are always checked" } },
  { "several", "h.example smtp tls user=u\nother.example smtp starttls user=u\n",
    G N "user = u\ndefault = yes\n\n[relay]\nfrom = me@m.example.org, "
        "*@m.example.org\nhost = other.example\nport = 25\ntls = starttls\n"
        "user = u\n",
    "", { "2: nullmailer went on to this relay" } },
  { "no TLS", "h.example\n", "", "",
    { "1: account `default' is left out: it sends without TLS" } },
  { "no SMTP", "h.example qmqp tls\n", "", "",
    { "1: account `default' is left out: it speaks QMQP" } },
  { "half a password", "h.example smtp tls user=u pass=one two\n",
    G N "user = u\ndefault = yes\n", "default=one",
    { "1: word 6 of this line is no option" } },
  { "an open quote", "h.example smtp tls user=u pass='one two\n",
    G N "user = u\ndefault = yes\n", "default=one two", { NULL } },
};

static void
test_nullmailer (void)
{
  static const Case forced
      = { "one sender for all", "h.example smtp tls user=u\n",
          "[default]\nfrom = all@h.example, *@m.d.example\nhost = h.example\n"
          "user = u\ndefault = yes\nrewrite-from = always\n"
          "ehlo-name = e.example\n",
          "", { NULL } };

  for (size_t i = 0; i < G_N_ELEMENTS (nullmailer); i++)
    check (&nullmailer[i], read_nullmailer);
  check (&forced, read_nullmailer_forced);
}

#define E "hostname = h.example\nstarttls required\n"

static const Case esmtp[] = {
  { "identities",
    E "username=\"me@h.example\"\npassword='a\\\"\\x62 # c'\n"
      "# x\nidentity = you@o.example\n\thost = o.example:25\n\ttls=enabled "
      "user you pass you\nmda \"/usr/bin/procmail -d %T\"\n",
    "[default]\nfrom = me@h.example\nhost = h.example\ntls = starttls\n"
    "user = me@h.example\ndefault = yes\n\n"
    "[you@o.example]\nfrom = you@o.example\nhost = o.example\nport = 25\n"
    "tls = starttls\nuser = you\n",
    "default=a\"b # c\nyou@o.example=you",
    { "1: account `default' has no address, so it gets me@h.example",
      "9: nothing is delivered on this machine" } },
  { "the default is named",
    "identity a@h.example " E "user a\nidentity b@h.example " E
    "user b default\n",
    "[a@h.example]\nfrom = a@h.example\nhost = h.example\ntls = starttls\n"
    "user = a\n\n"
    "[b@h.example]\nfrom = b@h.example\nhost = h.example\ntls = starttls\n"
    "user = b\ndefault = yes\n",
    "", { NULL } },
  { "the first is the default",
    "identity a@h.example " E "user a\nidentity b@h.example " E "user b\n",
    "[a@h.example]\nfrom = a@h.example\nhost = h.example\ntls = starttls\n"
    "user = a\ndefault = yes\n\n"
    "[b@h.example]\nfrom = b@h.example\nhost = h.example\ntls = starttls\n"
    "user = b\n",
    "", { NULL } },
  { "forced", E "user u force reverse_path \"%u@h.example\" helo x.example\n"
    "force sender \"%%\"",
    "[default]\nfrom = me@h.example\nhost = h.example\ntls = starttls\n"
    "user = u\ndefault = yes\nrewrite-from = always\nehlo-name = x.example\n",
    "", { "4: `force sender'" } },
  { "no TLS", "host h.example user u\n", "", "",
    { "1: account `default' is left out: it sends without TLS" } },
  { "what is none", E "qualifydomain q.example\nuser u\nhunter2\npreconnect x\n",
    "[default]\nfrom = me@q.example\nhost = h.example\ntls = starttls\n"
    "user = u\ndefault = yes\n",
    "",
    { "5: esmtp has no such keyword", "6: `preconnect'", "3: `qualifydomain'",
      "1: account `default' has no address" } },
  { "keywords as values", "identity user@h.example\n" E "user host\npass pass\n",
    "[user@h.example]\nfrom = user@h.example\nhost = h.example\n"
    "tls = starttls\nuser = host\ndefault = yes\n",
    "user@h.example=pass", { NULL } },
  { "nothing", " \n# x", "", "", { NULL } },
};

static void
test_esmtp (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (esmtp); i++)
    check (&esmtp[i], import_esmtp);
}

static void
test_commands (void)
{
  static const struct
  {
    const char *shell;
    const char *plain;
  } cases[] = {
    { "pass show mail", "pass show mail" },
    { "~/bin/pw work", "~/bin/pw work" },
    { "pw 'a b' \"c d\" e=f", "pw 'a b' \"c d\" e=f" },
    { "pw \"$X\"", "sh -c 'pw \"$X\"'" },
    { "pw \"a", "sh -c 'pw \"a'" },
    { "A=b pw", "sh -c 'A=b pw'" },
    { "bin/pw", "sh -c 'bin/pw'" },
    { "pw < /dev/null", "sh -c 'pw < /dev/null'" },
    { "pw a;b", "sh -c 'pw a;b'" },
    { "pw *", "sh -c 'pw *'" },
    { "pw it\\'s", "sh -c 'pw it\\'\\''s'" },
    { "'p w' x", "sh -c ''\\''p w'\\'' x'" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *plain = draft_command (cases[i].shell);

      g_assert_cmpstr (plain, ==, cases[i].plain);
    }
}

static void
test_netrc (void)
{
  static const struct
  {
    const char *netrc;
    const char *password; /* of me at h.example; NULL: none */
    int line;
  } cases[] = {
    { "machine h.example login me password x", "x", 1 },
    { "# x\nmachine h.example\n\tlogin me\r\n\tpassword \"a b\"\r\n", "a b",
      4 },
    { "machine h.example password 'a\"b' user me", "a\"b", 1 },
    { "machine h.example account z login me passwd x#y # z\n", "x#y", 1 },
    { "machine h.example login me password it's a\nmachine b login c", "its a",
      1 },
    { "machine H.example login me password x", NULL, 0 },
    { "machine h.example login you password x\n"
      "machine h.example login me password y\n",
      "y", 2 },
    { "machine h.example login me\nmachine b.example password x\n", NULL, 0 },
    { "machine h.example login me\ndefault login me password x\n", NULL, 0 },
    { "machine h.example password x\n", NULL, 0 },
    { "macdef init\nmachine h.example login me password x\n\n"
      "machine h.example login me password y\n",
      "y", 4 },
    { "macdef init\nmachine h.example login me password x\n", NULL, 0 },
    { "machine h.example login me password", NULL, 0 },
    { "machine", NULL, 0 },
    { "", NULL, 0 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Secret) netrc =
          secret_new (cases[i].netrc, strlen (cases[i].netrc));
      int line = 0;
      g_autoptr (Secret) password
          = netrc_find (netrc, "h.example", "me", &line);

      g_test_message ("%s", cases[i].netrc);
      g_assert_cmpstr (password != NULL ? secret_octets (password) : NULL, ==,
                       cases[i].password);
      g_assert_cmpint (line, ==, cases[i].line);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/import/msmtp", test_msmtp);
  g_test_add_func ("/import/msmtp/sizes", test_sizes);
  g_test_add_func ("/import/ssmtp", test_ssmtp);
  g_test_add_func ("/import/nullmailer", test_nullmailer);
  g_test_add_func ("/import/esmtp", test_esmtp);
  g_test_add_func ("/import/commands", test_commands);
  g_test_add_func ("/import/netrc", test_netrc);
  return g_test_run ();
}
