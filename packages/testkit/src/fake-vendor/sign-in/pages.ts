import type { ServerResponse } from 'node:http';

import type { Login } from './login-desk.ts';

/**
 * The pages a user sees. Every address in them is relative to `root`, so that they work both at the
 * vendor's host inside a machine and below `/<host>/` on the loopback server.
 */
export interface Page {
  readonly status: number;
  readonly title: string;
  readonly body: string;
  /** Relative path from the page's own address to the site's root, such as `../`. */
  readonly root: string;
}

/** `form-action` also governs where a submitted form is redirected to, hence the CLI's callbacks in `formTargets`. */
export function sendPage(
  response: ServerResponse,
  { status, title, body, root }: Page,
  formTargets: readonly string[],
): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' ${formTargets.join(' ')}; base-uri 'none'; frame-ancestors 'none'`,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  response.end(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="${root}assets/login.css">
</head>
<body>
<main>
<p class="notice">Practice sign-in: a local stand-in for the provider. Nothing leaves this computer.</p>
<h1>${escapeHtml(title)}</h1>
${body}
</main>
</body>
</html>
`);
}

export function loginPage(login: Login, root: string, product: string): Page {
  const left =
    login.wrongTries > 0 ? `<p class="error" role="alert">That was not the code. Here is a fresh one.</p>` : '';
  return {
    status: login.wrongTries > 0 ? 401 : 200,
    title: `Sign in to continue to ${product}`,
    root,
    body: `${left}
<p>Type the six letters below the colours.</p>
<img class="code" src="${root}login/code.svg?login=${login.id}&amp;try=${login.wrongTries}" width="672" height="136" alt="Six coloured blocks with a letter each">
<form method="post" action="${root}oauth/authorize/login" autocomplete="off">
<input type="hidden" name="login" value="${login.id}">
<label for="code">Code</label>
<input id="code" name="code" maxlength="6" autofocus autocapitalize="characters" spellcheck="false" pattern="[A-Ha-h]{6}">
<div class="buttons">
<button name="action" value="approve">Sign in</button>
<button class="quiet" name="action" value="deny" formnovalidate>Deny</button>
</div>
</form>`,
  };
}

export function messagePage(status: number, title: string, message: string, root: string): Page {
  return { status, title, root, body: `<p>${escapeHtml(message)}</p>` };
}

export const styleSheet = `:root { color-scheme: light; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; background: #fff; color: #1c1c1c; }
main { box-sizing: border-box; max-width: 736px; margin: 0 auto; padding: 24px 32px; }
h1 { font-size: 24px; margin: 8px 0 16px; }
.notice { margin: 0; color: #555; font-size: 14px; }
.error { color: #a40000; font-weight: 600; }
.code { display: block; max-width: 100%; height: auto; margin: 8px 0 16px; }
label { display: block; font-weight: 600; margin-bottom: 4px; }
input:not([type=hidden]) { box-sizing: border-box; width: 100%; max-width: 320px; padding: 10px 12px; font: 20px/1.2 ui-monospace, monospace;
  letter-spacing: 0.2em; text-transform: uppercase; border: 2px solid #6b6b6b; border-radius: 8px; background: #fff; color: inherit; }
input:focus-visible, button:focus-visible { outline: 3px solid #2457d6; outline-offset: 2px; }
.buttons { display: flex; gap: 12px; margin-top: 16px; }
button { padding: 10px 20px; font: inherit; font-weight: 600; border: 2px solid #1c1c1c; border-radius: 8px; background: #1c1c1c; color: #fff; cursor: pointer; }
button.quiet { background: #fff; color: #1c1c1c; }
`;

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
