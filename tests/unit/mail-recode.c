/* Messages as they come, and what of them may travel: written as they are read,
 * with "~" for any octets too many to write down. */

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "base/failure.h"
#include "mail/conform.h"
#include "mail/mime.h"
#include "mail/recode.h"
#include "tests/unit/directory.h"

#define MANY 1200

/* "~X" is MANY times X, "^@" NUL and "^M" CR. */
static GString *
expand (const char *text)
{
  GString *out = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p++)
    if (p[0] == '~')
      {
        p++;
        for (size_t i = 0; i < MANY; i++)
          g_string_append_c (out, *p);
      }
    else if (p[0] == '^' && (p[1] == '@' || p[1] == 'M'))
      g_string_append_c (out, *++p == '@' ? '\0' : '\r');
    else
      g_string_append_c (out, *p);
  return out;
}

static Message *
read_text (const Directory *directory, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) octets = expand (text);
  int fd = memfd_create ("message", MFD_CLOEXEC);
  Message *message;

  g_assert_cmpint (write (fd, octets->str, octets->len), ==,
                   (int) octets->len);
  lseek (fd, 0, SEEK_SET);
  message = message_read (fd, spool_new (directory->fd, 7), false, 0, &error);
  g_assert_no_error (error);
  close (fd);
  return message;
}

/* Header and body as text: lines end in LF, and what "~" stands for is "~"
   again. */
static char *
to_text (Message *message)
{
  g_autoptr (GError) error = NULL;
  GString *text = header_to_string (message->header);
  size_t size = spool_size (message->body);
  size_t length = text->len;
  uint64_t start;
  int fd = spool_fd (message->body, &start, &error);

  g_assert_no_error (error);
  g_string_set_size (text, length + size);
  g_assert_cmpint (pread (fd, text->str + length, size, (off_t) start), ==,
                   (int) size);
  for (size_t i = 0; i < text->len; i++)
    {
      size_t run = strspn (text->str + i, (char[]){ text->str[i], '\0' });

      if (run >= MANY)
        {
          g_string_erase (text, (gssize) i, MANY - 2);
          text->str[i] = '~';
        }
    }
  g_string_replace (text, "\r\n", "\n", 0);
  return g_string_free (text, FALSE);
}

typedef struct
{
  const char *name;
  const char *input;
  const char *output; /* NULL: as INPUT; "!...": an error with this text */
} Case;

/* Signed and encrypted, with BODY inside. */
#define SIGNED(header, body)                                                  \
  "Content-Type: multipart/signed; boundary=s\n\n"                            \
  "--s\n" header "\n" body "\n--s\n"                                          \
  "Content-Type: application/pgp-signature\n\nsignature\n--s--\n"
#define MIXED(first, second)                                                  \
  "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"m m\"\n\n"    \
  "--m m\n" first "\n--m m\n" second "\n--m m--\n"
#define SOFT74 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\n"
#define SOFT SOFT74 SOFT74 SOFT74 SOFT74
#define X1200 SOFT SOFT SOFT SOFT_REST
#define SOFT_REST SOFT74 SOFT74 SOFT74 \
  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const Case conform_cases[] = {
  /* The common message. */
  { "plain", "Subject: x\n\nbody\n", NULL },
  { "empty", "Subject: x\n\n", NULL },
  { "eight-bit", "Subject: x\n\nÄ \xff\n", NULL },
  { "mixed-eight-bit", MIXED ("\nÄ", "Content-Type: a/b\n\n\xff"), NULL },
  { "signed-eight-bit", SIGNED ("", "Ä"), NULL },
  { "dkim-eight-bit", "DKIM-Signature: x\n\nÄ\n", NULL },

  /* Bare CR. */
  { "return", "Subject: x\n\na^Mb\n", "Subject: x\n\na\nb\n" },
  { "return-mixed", MIXED ("\na^Mb", "\nc"), MIXED ("\na\nb", "\nc") },
  { "return-signed", SIGNED ("", "a^Mb"), "!carriage return" },
  { "return-beside-signed", MIXED (SIGNED ("", "a"), "\na^Mb"),
    "!carriage return" },
  { "return-dkim", "DKIM-Signature: x\n\na^Mb\n", "!carriage return" },
  { "return-encrypted",
    "Content-Type: multipart/encrypted; boundary=s\n\n--s\n\na^Mb\n--s--\n",
    "!carriage return" },
  { "return-smime", "Content-Type: application/pkcs7-mime\n\na^Mb\n",
    "!carriage return" },

  /* NUL. */
  { "nul", "Subject: x\n\na^@b.\n.c \n",
    "Subject: x\nMIME-Version: 1.0\n"
    "Content-Transfer-Encoding: quoted-printable\n\n"
    "a=00b.\n=2Ec=20\n" },
  { "nul-eight-bit", "Subject: x\n\na^@Ä\n",
    "Subject: x\nMIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: quoted-printable\n\n"
    "a=00=C3=84\n" },
  { "nul-not-utf8", "Subject: x\n\nÄ^@\xff\n",
    "Subject: x\nMIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=unknown-8bit\n"
    "Content-Transfer-Encoding: quoted-printable\n\n"
    "=C3=84=00=FF\n" },
  { "nul-mixed", MIXED ("\na^@", "\nb"), "!NUL" },
  { "nul-data", "Content-Type: image/png\n\na^@b\n", "!NUL" },
  { "nul-signed", SIGNED ("", "a^@"), "!NUL" },
  { "nul-dkim", "DKIM-Signature: x\n\na^@\n", "!NUL" },
  { "nul-message", "Content-Type: message/rfc822\n\nA: b\n\na^@\n", "!NUL" },

  /* Long lines. */
  { "long", "Subject: x\n\n~x\nFrom y\n",
    "Subject: x\nMIME-Version: 1.0\n"
    "Content-Transfer-Encoding: quoted-printable\n\n" X1200
    "\n=46rom y\n" },
  { "long-eight-bit", "Subject: x\n\n~x\nÄ\n",
    "Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: quoted-printable\n\n" X1200 "\n=C3=84\n" },
  { "long-typed",
    "MIME-version: 1.0\nContent-Type: text/html; charset=x\n"
    "content-transfer-encoding: 8bit\nX: y\n\n~x\n",
    "MIME-version: 1.0\nContent-Type: text/html; charset=x\n"
    "content-transfer-encoding: quoted-printable\nX: y\n\n" X1200 "\n" },
  { "long-second-part",
    MIXED ("\nÄ \n", "Content-Type: text/plain\n\n~x\n"),
    MIXED ("\nÄ \n",
           "Content-Type: text/plain\n"
           "Content-Transfer-Encoding: quoted-printable\n\n" X1200 "\n") },
  { "long-part-without-header", MIXED ("\na", "~x"),
    MIXED ("\na", "Content-Transfer-Encoding: quoted-printable\n\n" X1200) },
  { "long-blank-at-the-end", MIXED ("\n~x\n ", "\na"),
    MIXED ("Content-Transfer-Encoding: quoted-printable\n\n" X1200 "\n=20",
           "\na") },
  { "long-quoted-printable",
    "Content-Transfer-Encoding: Quoted-Printable\n\n~x=\n=C3=84  \n",
    "Content-Transfer-Encoding: Quoted-Printable\n\n" X1200
    "=\n=C3=84  \n" },
  { "long-other-encoding",
    "Content-Transfer-Encoding: x-uuencode\n\n~x\n", "!must not be changed" },
  { "long-signed", SIGNED ("", "~x"), "!must not be changed" },
  { "long-signature",
    "Content-Type: multipart/signed; boundary=s\n\n"
    "--s\n\na\n--s\n\n~x\n--s--\n",
    "!must not be changed" },
  { "long-dkim", "DKIM-Signature: x\n\n~x\n", "!must not be changed" },
  { "long-beside-signed", MIXED (SIGNED ("", "Ä"), "\n~x"),
    MIXED (SIGNED ("", "Ä"),
           "Content-Transfer-Encoding: quoted-printable\n\n" X1200) },
  { "long-partial", "Content-Type: message/partial\n\n~x\n",
    "!must not be changed" },
  { "long-delimiter",
    "Content-Type: multipart/mixed; boundary=b\n\n--b~ \n\na\n--b--\n",
    "!must not be changed" },
  { "long-header", MIXED ("X: ~x\n\na", "\nb"), "!no blank" },
  { "long-no-boundary", "Content-Type: multipart/mixed\n\n~x\n",
    "!must not be changed" },
  { "long-no-parts", "Content-Type: multipart/mixed; boundary=b\n\n~x\n",
    "!must not be changed" },

  /* Headers of parts. */
  { "header-utf8", MIXED ("X: Ä\n\na", "\nb"), NULL },
  { "header-latin1", MIXED ("X: \xc4\n\na", "Y: Ä\n\nb"),
    MIXED ("X: =?unknown-8bit?B?xA==?=\n\na", "Y: Ä\n\nb") },
  { "header-signed-latin1", SIGNED ("X: \xc4\n", "a"), NULL },
};

/* For a relay without 8BITMIME. */
static const Case seven_bit_cases[] = {
  { "ascii", "Subject: x\n\na\n", NULL },
  { "text", "Subject: x\n\nÄ =\n.\n",
    "Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: quoted-printable\n\n=C3=84 =3D\n=2E\n" },
  { "latin1", "Content-Type: TEXT/Plain; charset=iso-8859-1\n\n\xc4\n",
    "Content-Type: TEXT/Plain; charset=iso-8859-1\nMIME-Version: 1.0\n"
    "Content-Transfer-Encoding: quoted-printable\n\n=C4\n" },
  { "no-type", "Content-Type: text\n\n\xc4\n",
    "Content-Type: text\nMIME-Version: 1.0\n"
    "Content-Transfer-Encoding: quoted-printable\n\n=C4\n" },
  { "data",
    "MIME-Version: 1.0\nContent-Type: image/png\n"
    "Content-Transfer-Encoding: (as it is) BINARY\n\nÄ.............."
    "..........................................\n",
    "MIME-Version: 1.0\nContent-Type: image/png\n"
    "Content-Transfer-Encoding: base64\n\n"
    "w4QuLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4u"
    "Li4uLi4u\nLg0K\n" },
  { "data-mixed", MIXED ("Content-Type: a/b\n\nÄ", "\nb"),
    MIXED ("Content-Type: a/b\nContent-Transfer-Encoding: base64\n\nw4Q=",
           "\nb") },
  { "quoted-printable-stray",
    "Content-Transfer-Encoding: quoted-printable\n\nÄ=3D \t\na= \nb=\n",
    "Content-Transfer-Encoding: quoted-printable\n\n=C3=84=3D \t\na=\nb=\n" },
  { "base64-stray", "Content-Transfer-Encoding: base64\n\nTm\n8Ä=\n",
    "Content-Transfer-Encoding: base64\n\nTm8=\n" },
  { "two-encodings",
    "Content-Transfer-Encoding: 8bit\nContent-Transfer-Encoding: 7bit\n"
    "Content-Type: text/plain\nMIME-Version: 1.0\n\nÄ\n",
    "Content-Type: text/plain\nMIME-Version: 1.0\n"
    "Content-Transfer-Encoding: quoted-printable\n\n=C3=84\n" },

  /* Composites. */
  { "label",
    "Content-Transfer-Encoding: 8bit\n" MIXED ("\nÄ", "\nb"),
    MIXED ("Content-Type: text/plain; charset=UTF-8\n"
           "Content-Transfer-Encoding: quoted-printable\n\n=C3=84",
           "\nb") },
  { "between",
    "Content-Type: multipart/mixed; boundary=b\n\nÄ\n--b\n\na\n--b--\nÖ\n",
    "Content-Type: multipart/mixed; boundary=b\n\n??\n--b\n\na\n--b--\n??\n" },
  { "after-the-end",
    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\na\n--b--\n"
    "--b\n\nÄ\n",
    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\na\n--b--\n"
    "--b\n\n??\n" },
  { "boundary-no-delimiter-can-have",
    "Content-Type: multipart/mixed; boundary=Ä\n\n--Ä\n\na\n--Ä--\n",
    "!must not be changed" },
  { "header-without-end", MIXED ("X: Ä\nno field\n\nb", "\nc"),
    MIXED ("X: =?UTF-8?B?w4Q=?=\nno field\n\nb", "\nc") },
  { "header-and-nothing", MIXED ("X: Ä", "\nc"),
    MIXED ("X: =?UTF-8?B?w4Q=?=", "\nc") },
  { "not-ended",
    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\na\n--b\n\nÄ\n",
    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\na\n--b\n"
    "Content-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: quoted-printable\n\n=C3=84\n" },
  { "inner-ended-by-outer",
    MIXED ("Content-Type: multipart/mixed; boundary=i\n\n--i\n\na\n", "\nÄ"),
    MIXED ("Content-Type: multipart/mixed; boundary=i\n\n--i\n\na\n",
           "Content-Type: text/plain; charset=UTF-8\n"
           "Content-Transfer-Encoding: quoted-printable\n\n=C3=84") },
  { "like-a-delimiter", MIXED ("\n--m m--x\nÄ", "\nb"),
    MIXED ("Content-Type: text/plain; charset=UTF-8\n"
           "Content-Transfer-Encoding: quoted-printable\n\n=2D-m m--x\n=C3=84",
           "\nb") },
  { "empty-parts",
    "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\n--b\n\nÄ\n--b--",
    "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\n--b\n"
    "Content-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: quoted-printable\n\n=C3=84\n--b--\n" },
  { "boundary-with-comments",
    "Content-Type: (a (b) \\) ) multipart / mixed (;) ; x=\";boundary=x\";\n"
    " boundary (c) = \"b\\:\" (d); charset=y\n\n--b:  \n\nÄ\n--b:--\n",
    "Content-Type: (a (b) \\) ) multipart / mixed (;) ; x=\";boundary=x\";\n"
    " boundary (c) = \"b\\:\" (d); charset=y\n\n--b:  \n"
    "Content-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: quoted-printable\n\n=C3=84\n--b:--\n" },
  { "message",
    "Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n"
    ">From x\nSubject: a\n\nÄ\n",
    "Content-Type: message/rfc822\n\n"
    ">From x\nSubject: a\nMIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: quoted-printable\n\n=C3=84\n" },
  { "message-encoded",
    "Content-Type: message/global\nContent-Transfer-Encoding: base64\n\nQUFB\n"
    "Ä\n",
    "Content-Type: message/global\nContent-Transfer-Encoding: base64\n\n"
    "QUFB\n" },
  { "digest",
    "Content-Type: multipart/digest; boundary=b\n\n"
    "--b\n\nSubject: a\nContent-Type: a/b\n\nÄ\n--b--\n",
    "Content-Type: multipart/digest; boundary=b\n\n"
    "--b\n\nSubject: a\nContent-Type: a/b\nMIME-Version: 1.0\n"
    "Content-Transfer-Encoding: base64\n\nw4Q=\n--b--\n" },
  { "external-body", "Content-Type: message/external-body\n\nÄ\n",
    "!must not be changed" },
  { "no-parts", "Content-Type: multipart/mixed; boundary=b\n\nÄ\n",
    "!must not be changed" },
  { "encoded-multipart",
    "Content-Type: multipart/mixed; boundary=b\n"
    "Content-Transfer-Encoding: quoted-printable\n\nÄ\n--b\n\n--b--\n",
    "!must not be changed" },

  /* Seals. */
  { "signed", SIGNED ("", "Ä"), "!must not be changed" },
  { "signed-header", SIGNED ("X: Ä\n", "a"), "!must not be changed" },
  { "signed-deep", MIXED ("\na", SIGNED ("Content-Type: multipart/mixed; "
                                         "boundary=i\n",
                                         "--i\n\nÄ\n--i--")),
    "!must not be changed" },
  { "signed-ascii", MIXED ("\nÄ", SIGNED ("", "a")),
    MIXED ("Content-Type: text/plain; charset=UTF-8\n"
           "Content-Transfer-Encoding: quoted-printable\n\n=C3=84",
           SIGNED ("", "a")) },
  { "encrypted", "Content-Type: application/pkcs7-mime\n\nÄ\n",
    "!must not be changed" },
  { "dkim", "DKIM-Signature: x\n\nÄ\n", "!must not be changed" },
  { "dkim-nested",
    "Content-Type: message/rfc822\n\nDKIM-Signature: x\n\nÄ\n",
    "Content-Type: message/rfc822\n\nDKIM-Signature: x\nMIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: quoted-printable\n\n=C3=84\n" },

  /* Headers. */
  { "header", MIXED ("Content-Disposition: attachment; filename=Ä\nX: y\n\na",
                     "Subject: Ä\n\nb"),
    MIXED ("Content-Disposition: attachment; filename*=UTF-8''%C3%84\nX: y\n\n"
           "a",
           "Subject: =?UTF-8?B?w4Q=?=\n\nb") },
};

static void
check_text (const char *is, const char *should)
{
  if (!g_str_equal (is, should))
    g_test_message ("%s", is);
  g_assert_true (g_str_equal (is, should));
}

static void
test_conform (Directory *directory, const void *data)
{
  const Case *row = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message = read_text (directory, row->input);
  g_autofree char *text = NULL;

  if (row->output != NULL && row->output[0] == '!')
    {
      g_assert_false (conform (message, spool_new (directory->fd, 7), &error));
      g_assert_error (error, FAILURE, FAILURE_DATA);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, row->output + 1));
      return;
    }
  (void) conform (message, spool_new (directory->fd, 7), &error);
  g_assert_no_error (error);
  text = to_text (message);
  check_text (text, row->output != NULL ? row->output : row->input);
}

static bool
recode_message (const Directory *directory, Message *message, unsigned flags,
                GError **error)
{
  g_autoptr (Spool) out = spool_new (directory->fd, 3);
  g_autoptr (Mime) mime = NULL;
  uint64_t start;
  int fd = spool_fd (message->body, &start, error);

  mime = mime_scan (message->header, fd,
                    (Segment){ start, spool_size (message->body) }, error);
  g_assert_no_error (*error);
  if (!recode (mime, flags, message->header, out, &message->body_8bit, error))
    return false;
  spool_free (message->body);
  message->body = g_steal_pointer (&out);
  return true;
}

static void
test_seven_bit (Directory *directory, const void *data)
{
  const Case *row = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message = read_text (directory, row->input);
  g_autofree char *text = NULL;

  if (!recode_message (directory, message, RECODE_7BIT | RECODE_HEADERS,
                       &error))
    {
      g_assert_error (error, FAILURE, FAILURE_DATA);
      g_test_message ("%s", error->message);
      g_assert_true (row->output != NULL && row->output[0] == '!');
      g_assert_nonnull (strstr (error->message, row->output + 1));
      return;
    }
  g_assert_false (message->body_8bit);
  text = to_text (message);
  check_text (text, row->output != NULL ? row->output : row->input);
}

/* A part of a multipart with the boundary "b", and what comes before it. */
static Message *
build (const Directory *directory, const char *before, const char *header,
       const char *body)
{
  g_autofree char *text
      = g_strconcat ("Content-Type: multipart/mixed; boundary=b\n\n", before,
                     "\n--b\n", header, "\n", body, "\n--b--\n", NULL);

  return read_text (directory, text);
}

static Mime *
scan (const Message *message)
{
  g_autoptr (GError) error = NULL;
  uint64_t start;
  int fd = spool_fd (message->body, &start, &error);
  Mime *mime
      = mime_scan (message->header, fd,
                   (Segment){ start, spool_size (message->body) }, &error);

  g_assert_no_error (error);
  return mime;
}

/* No line may be cut so that a delimiter comes to be. */
static void
test_no_new_delimiter (Directory *directory, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *xs = g_strnfill (75 * 14, 'x');
  g_autofree char *text = g_strconcat (xs, "--b", NULL);
  g_autofree char *gap = g_strconcat (xs + 75 * 14 - 998, "--b", NULL);
  static const char *const headers[]
      = { "", "Content-Transfer-Encoding: quoted-printable\n" };

  for (size_t i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      g_autoptr (Message) message
          = build (directory, gap, headers[i], text);
      g_autoptr (Mime) mime = NULL;

      g_assert_true (conform (message, spool_new (directory->fd, 7), &error));
      g_assert_no_error (error);
      mime = scan (message);
      g_assert_cmpuint (mime->parts->len, ==, 2);
      for (guint j = 0; j < 2; j++)
        g_assert_cmpuint (
            g_array_index (mime->parts, Part, j).facts.longest_line, <=,
            LINE_MAXIMUM);
    }
}

static void
test_base64 (Directory *directory, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message
      = build (directory, "", "Content-Transfer-Encoding: base64\n",
               "~A~B~C~D");
  g_autoptr (Mime) mime = NULL;

  g_assert_true (conform (message, spool_new (directory->fd, 7), &error));
  mime = scan (message);
  g_assert_cmpuint (g_array_index (mime->parts, Part, 1).facts.longest_line,
                    ==, 76);
  g_assert_cmpuint (g_array_index (mime->parts, Part, 1).body.size, ==,
                    4 * MANY + (4 * MANY - 1) / 76 * 2);
}

/* A line that is read in pieces, which cut no character. */
static void
test_pieces (Directory *directory, const void *data)
{
  for (size_t shift = 0; shift < 4; shift++)
    {
      g_autoptr (GString) text = g_string_new ("A: b\n\nxxx");

      g_string_truncate (text, text->len - shift);
      for (size_t i = 0; i < 100000; i++)
        g_string_append (text, "€");
      {
        g_autoptr (Message) message = read_text (directory, text->str);
        g_autoptr (Mime) mime = scan (message);
        const Facts *facts = &g_array_index (mime->parts, Part, 0).facts;

        g_assert_true (facts->utf8 && !facts->not_utf8);
        g_assert_cmpuint (facts->longest_line, ==, 300003 - shift);
      }
    }
}

static void
test_depth (Directory *directory, const void *data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message = NULL;
  g_autoptr (Mime) mime = NULL;

  for (int i = 0; i < 2 * MIME_DEPTH; i++)
    g_string_append (text, "Content-Type: message/rfc822\n\n");
  g_string_append (text, "A: b\n\nÄ\n");
  message = read_text (directory, text->str);
  mime = scan (message);
  g_assert_cmpuint (mime->parts->len, ==, MIME_DEPTH + 1);
  g_assert_false (recode_is_possible (mime, RECODE_7BIT, &error));
  g_assert_error (error, FAILURE, FAILURE_DATA);
}

static void
test_many_parts (Directory *directory, const void *data)
{
  g_autoptr (GString) text
      = g_string_new ("Content-Type: multipart/mixed; boundary=b\n\nÄ\n");
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message = NULL;

  for (int i = 0; i < MIME_PARTS; i++)
    g_string_append (text, "--b\n\n");
  message = read_text (directory, text->str);
  g_assert_false (conform (message, spool_new (directory->fd, 7), &error));
  g_assert_error (error, FAILURE, FAILURE_DATA);
}

static void
test_nested_utf8 (Directory *directory, const void *data)
{
  g_autoptr (Message) ascii = build (directory, "", "X: y\n", "Ä");
  g_autoptr (Message) raw = build (directory, "", "X: \xff\n", "a");
  g_autoptr (Message) utf8 = build (directory, "", "X: Ä\n", "a");

  g_assert_true (conform (ascii, spool_new (directory->fd, 7), NULL));
  g_assert_true (conform (raw, spool_new (directory->fd, 7), NULL));
  g_assert_true (conform (utf8, spool_new (directory->fd, 7), NULL));
  g_assert_false (ascii->nested_utf8 || raw->nested_utf8);
  g_assert_true (utf8->nested_utf8);
  g_assert_true (ascii->body_8bit && utf8->body_8bit);
  g_assert_false (raw->body_8bit);
}

#define ONE(path, function)                                                   \
  g_test_add (path, Directory, NULL, directory_set_up, function,              \
              directory_tear_down)

#define ADD(prefix, table, function)                                          \
  for (size_t i = 0; i < G_N_ELEMENTS (table); i++)                           \
    {                                                                         \
      g_autofree char *path                                                   \
          = g_strconcat (prefix, "/", table[i].name, NULL);                   \
      g_test_add (path, Directory, &table[i], directory_set_up, function,     \
                  directory_tear_down);                                       \
    }

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/conform", conform_cases, test_conform)
  ADD ("/recode/7bit", seven_bit_cases, test_seven_bit)
  ONE ("/recode/no-new-delimiter", test_no_new_delimiter);
  ONE ("/recode/base64", test_base64);
  ONE ("/mime/pieces", test_pieces);
  ONE ("/mime/depth", test_depth);
  ONE ("/mime/many-parts", test_many_parts);
  ONE ("/conform/nested-utf8", test_nested_utf8);
  return g_test_run ();
}
