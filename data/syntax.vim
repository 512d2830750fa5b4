" Vim syntax file: who sends mail, and through which relay
" See postrider-accounts(5).
if exists ("b:current_syntax")
  finish
endif
syntax match postriderUnknown /^\s*\zs[^][#;= \t]\+\ze\s*=/
let s:settings = substitute ('@settings@', ' ', '\\|', 'g')
execute 'syntax match postriderSetting /^\s*\zs\%(' . s:settings . '\)\ze\s*=/'
syntax match postriderSection /^\s*\zs\[[^][]*\]/
syntax match postriderComment /\%(^\|\s\)\zs[#;].*/ contains=@Spell
syntax region postriderString start=/"/ skip=/\\[\\"]/ end=/"/ oneline
highlight default link postriderUnknown Error
highlight default link postriderSetting Identifier
highlight default link postriderSection Title
highlight default link postriderComment Comment
highlight default link postriderString String
setlocal commentstring=#\ %s
let b:current_syntax = "postrider"
