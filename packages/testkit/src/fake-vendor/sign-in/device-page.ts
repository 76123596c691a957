import { escapeHtml, type Page } from './pages.ts';

/** Where the user types the code a CLI shows. `path` is the page's own, from the root of its site. */
export function devicePage(path: string, root: string, problem?: string): Page {
  return {
    status: problem === undefined ? 200 : 400,
    title: 'Connect a device',
    root,
    body: `${problem === undefined ? '' : `<p class="error" role="alert">${escapeHtml(problem)}</p>`}
<form method="post" action="${escapeHtml(root + path.slice(1))}" autocomplete="off">
<label for="user_code">Enter the code the CLI shows</label>
<input id="user_code" name="user_code" maxlength="12" autofocus required spellcheck="false">
<div class="buttons"><button>Continue</button></div>
</form>`,
  };
}
