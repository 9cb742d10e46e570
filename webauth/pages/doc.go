// Package pages renders what people see of OneAuth: sign-up, login, the pages around mailed links, the account page,
// errors. It holds no logic of its own: a handler fills in one of the views ([Login], [Account], ...) and calls
// [Set.Render].
//
// The pages need no JavaScript and load nothing but one stylesheet (and a logo, if there is one) from their own
// origin, under a Content-Security-Policy that allows nothing else. Every action is a form. They follow the reader's
// language (Accept-Language) and colour scheme, and work from 320 CSS pixels up, with a keyboard and with a screen
// reader.
//
// # Making them one's own
//
// Everything is replaced one by one, and [New] refuses what is broken:
//
//   - texts, by locale and key ([Options.Texts]; the keys are those of texts/en.json in this package);
//   - templates, by page ([Options.Templates]; they get a [View]);
//   - the logo ([Options.Logo]) and the colours ([Options.Colours]), whose contrast is checked against WCAG 2.2 AA;
//   - rules at the end of the stylesheet ([Options.CSS]).
//
// # What a handler must know
//
// Form parameters are those of the endpoints. Besides them every form carries [FormTokenField] and "return_to". The
// forms of the account page come back to <prefix>/account with a query "notice=<name>", to be put into [Form.Notice].
// The scopes of a new API key are sent as "scope.<scope>=on".
package pages
