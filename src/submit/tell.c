#include "submit/tell.h"

static const char *
first_words (const Entry *entry)
{
  for (size_t i = 0; i < entry->statuses->len; i++)
    {
      const Status *status = entry->statuses->pdata[i];

      if (status != NULL && status->fate != FATE_RELAYED)
        return status->text;
    }
  return "";
}

bool
tell_sender (Queue *queue, Entry *entry, const TellParams *params,
             Told *told, GError **error)
{
  *told = (Told){ 0 };
  return queue_place (entry) != SETTLED_HELD
         || queue_hold (queue, entry, first_words (entry), error);
}
