# A file for an editor: TEMPLATE, where @settings@ stands for those of the table.
#
#   awk -f editor.awk SETTINGS.C TEMPLATE

FNR == NR && /^  \{ "[a-z-]+", SETTING_/ {
  split ($0, part, "\"")
  names = names (names == "" ? "" : " ") part[2]
}

FNR < NR {
  gsub (/@settings@/, names)
  print
}
