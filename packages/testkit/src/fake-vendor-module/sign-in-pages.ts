/**
 * A sign-in without a screen, which sends over HTTP what a browser would on the pages of a fake vendor. Much faster
 * than a desktop, and the CLI, the agent and the server notice no difference.
 */
export interface SignInVisit {
  /** The link as the user's own browser gets it. */
  readonly url: string;
  /** The device code to type, where the page asks for one. */
  readonly userCode?: string | undefined;
  /** Reads the code that the page of this login shows as a picture. */
  readonly readCode: (login: string) => string | undefined | Promise<string | undefined>;
  /** Default `approve`. */
  readonly button?: 'approve' | 'deny';
}

/** What the user sees after the last click. */
export interface LastPage {
  readonly status: number;
  readonly text: string;
  /** Where the vendor sent the browser: a loopback address, which is the CLI's and was not opened. */
  readonly callback: URL | undefined;
  /** What the page shows to be copied into the CLI, where it shows anything. */
  readonly code: string | undefined;
}

const MOST_PAGES = 10;

/** Goes from the link to the page where there is nothing more to do. */
export async function visitSignInPages(visit: SignInVisit): Promise<LastPage> {
  let url = new URL(visit.url);
  let form: URLSearchParams | undefined;
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const response = await fetch(url, { redirect: 'manual', ...(form && { method: 'POST', body: form }) });
    const text = await response.text();
    const location = response.headers.get('location');
    if (location !== null) {
      const target = new URL(location, url);
      if (isLoopback(target) && target.origin !== url.origin) {
        return { status: response.status, text, callback: target, code: undefined };
      }
      [url, form] = [target, undefined];
      continue;
    }
    const next = findForm(text);
    // A form that comes back with a complaint would be filled in the same way again.
    if (!next || response.status >= 400)
      return { status: response.status, text, callback: undefined, code: shownCode(text) };
    form = await fillIn(next.fields, visit);
    url = new URL(next.action, url);
  }
  throw new Error(`The sign-in goes on after ${MOST_PAGES} pages, the last at ${url.origin}${url.pathname}.`);
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && ['127.0.0.1', 'localhost'].includes(hostname);
}

interface Field {
  readonly name: string;
  /** Given where the page has filled it in. */
  readonly value: string | undefined;
}

function findForm(html: string): { readonly action: string; readonly fields: readonly Field[] } | undefined {
  const form = /<form method="post" action="(?<action>[^"]+)"[^>]*>(?<body>[^]*?)<\/form>/.exec(html)?.groups;
  if (!form) return undefined;
  const inputs = (form['body'] ?? '').match(/<input [^>]*>/g) ?? [];
  const fields = inputs.map((input) => ({
    name: /\bname="([^"]*)"/.exec(input)?.[1] ?? '',
    value: /\bvalue="([^"]*)"/.exec(input)?.[1],
  }));
  return { action: unescapeHtml(form['action'] ?? ''), fields };
}

async function fillIn(fields: readonly Field[], visit: SignInVisit): Promise<URLSearchParams> {
  const filled = new URLSearchParams({ action: visit.button ?? 'approve' });
  const login = fields.find(({ name }) => name === 'login')?.value ?? '';
  for (const { name, value } of fields) {
    const typed =
      value ?? (name === 'user_code' ? visit.userCode : name === 'code' ? await visit.readCode(login) : undefined);
    if (typed === undefined) throw new Error(`The sign-in page asks for "${name}", which nobody has told.`);
    filled.set(name, typed);
  }
  return filled;
}

/** The last paragraph of a page, or a page that is nothing else. */
function shownCode(page: string): string | undefined {
  const last = /<p>([^<]*)<\/p>\s*<\/main>/.exec(page)?.[1] ?? (page.includes('<') ? '' : page);
  const text = unescapeHtml(last).trim();
  // A sentence is something to read; a code is one word.
  return /^\S+$/.test(text) ? text : undefined;
}

function unescapeHtml(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))).replaceAll('&amp;', '&');
}
