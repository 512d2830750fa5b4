#include "submit/fit.h"

#include <glib/gi18n.h>

#include "mail/field.h"
#include "mail/mime.h"
#include "mail/recode.h"

/* Who does not take octets above 127 takes none in a header, whatever is offered
   besides (RFC 6531 section 3.1). */
static unsigned
flags_for (const Content *content, const Extensions *extensions)
{
  if (content->eight_bit && !extensions->eight_bit_mime)
    return RECODE_7BIT | RECODE_HEADERS;
  return content->header_utf8 && !extensions->smtputf8 ? RECODE_HEADERS : 0;
}

/* A failure of the message is for good, and is about 8-bit octets or about a header
   (RFC 3463 section 3.7, RFC 6531 section 3.5). */
static Status *
refuse (const Session *session, unsigned flag, const GError *error)
{
  g_autofree char *endpoint = relay_endpoint (session->relay);
  g_autoptr (GError) whole = NULL;
  Status *status;

  if (!g_error_matches (error, FAILURE, FAILURE_DATA))
    return status_new_failure (STAGE_CONTENT, error);
  whole = g_error_new (FAILURE, error->code,
                       flag == RECODE_7BIT
                           ? _ ("%s does not offer 8BITMIME: %s")
                           : _ ("%s does not offer SMTPUTF8: %s"),
                       endpoint, error->message);
  status = status_new_failure (STAGE_MAIL, whole);
  status->enhanced = (EnhancedCode){ 5, 6, flag == RECODE_7BIT ? 3 : 9 };
  return status;
}

/* What is copied is the body, then the header. */
static bool
write_copy (Fit *fit, const Mime *mime, unsigned flags, Header *header,
            GError **error)
{
  Content *content = &fit->content;
  g_autoptr (GString) text = NULL;
  uint64_t start;
  bool eight_bit;

  if (!recode (mime, flags, header, fit->copy, &eight_bit, error)
      || !field_make_ascii (
          header, g_array_index (mime->parts, Part, 0).header_sealed, error))
    return false;
  content->body.size = spool_size (fit->copy);
  text = header_to_string (header);
  if (!spool_append (fit->copy, text->str, text->len, error))
    return false;
  content->fd = spool_fd (fit->copy, &start, error);
  content->body.offset = start;
  content->header = (Segment){ start + content->body.size, text->len };
  content->eight_bit = eight_bit;
  content->header_utf8 = false;
  return content->fd >= 0;
}

bool
fit_make (Fit *fit, const Content *content, const Session *session,
          Queue *queue, Status **status)
{
  unsigned flags = flags_for (content, &session->extensions);
  g_autoptr (Header) header = NULL;
  g_autoptr (Mime) mime = NULL;
  g_autoptr (GError) error = NULL;
  unsigned flag = RECODE_7BIT & flags;

  *fit = (Fit){ .content = *content };
  if (flags == 0)
    return true;
  header = mime_read_header (content->fd, content->header, &error);
  if (header != NULL)
    mime = mime_scan (header, content->fd, content->body, &error);
  if (mime != NULL && recode_is_possible (mime, flag, &error))
    {
      flag = RECODE_HEADERS;
      fit->copy = queue_spool (queue, 0);
      if (write_copy (fit, mime, flags, header, &error))
        return true;
    }
  *status = refuse (session, flag, error);
  return false;
}

void
fit_clear (Fit *fit)
{
  g_clear_pointer (&fit->copy, spool_free);
}
