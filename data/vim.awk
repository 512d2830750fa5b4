# The syntax file of an accounts file for vim, with the settings of the table.
#
#   awk -f vim.awk SETTINGS.C

/^  \{ "[a-z-]+", SETTING_/ {
  split ($0, part, "\"")
  names = names (names == "" ? "" : "\\|") part[2]
}

END {
  print "\" Vim syntax file: who sends mail, and through which relay"
  print "\" See postrider-accounts(5)."
  print "if exists (\"b:current_syntax\")"
  print "  finish"
  print "endif"
  print "syntax match postriderUnknown /^\\s*\\zs[^][#;= \\t]\\+\\ze\\s*=/"
  print "syntax match postriderSetting /^\\s*\\zs\\%(" names "\\)\\ze\\s*=/"
  print "syntax match postriderSection /^\\s*\\zs\\[[^][]*\\]/"
  print "syntax match postriderComment /\\%(^\\|\\s\\)\\zs[#;].*/ contains=@Spell"
  print "syntax region postriderString start=/\"/ skip=/\\\\[\\\\\"]/ end=/\"/ oneline"
  print "highlight default link postriderUnknown Error"
  print "highlight default link postriderSetting Identifier"
  print "highlight default link postriderSection Title"
  print "highlight default link postriderComment Comment"
  print "highlight default link postriderString String"
  print "setlocal commentstring=#\\ %s"
  print "let b:current_syntax = \"postrider\""
}
