" Accounts files of Postrider.
autocmd BufNewFile,BufRead */postrider/accounts setfiletype postrider
