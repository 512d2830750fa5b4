;; Emacs knows an accounts file of Postrider by its place.
(when (locate-library "postrider-accounts-mode")
  (autoload 'postrider-accounts-mode "postrider-accounts-mode"
    "Major mode for accounts files of Postrider." t)
  (add-to-list 'auto-mode-alist
               '("/postrider/accounts\\'" . postrider-accounts-mode)))
