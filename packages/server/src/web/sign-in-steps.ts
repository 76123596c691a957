import { button, h } from './dom.ts';

/** The user's own browser: a real link, so that it opens without a pop-up blocker and can be copied. */
export function linkStep(url: string): HTMLElement {
  return h(
    'div',
    { class: 'offer' },
    h('p', {}, 'The sign-in page opens in a new tab. Come back here when you are done.'),
    h('div', { class: 'row' }, signInLink(url)),
  );
}

export function codeStep(url: string, userCode: string, expiresAt: string | null): HTMLElement {
  const copy = button('Copy the code', () => {
    void navigator.clipboard.writeText(userCode).then(() => (copy.textContent = 'Copied'));
  });
  copy.hidden = !navigator.clipboard;
  return h(
    'div',
    { class: 'offer' },
    h('p', {}, 'Open the sign-in page on any device and type this code:'),
    h('output', { class: 'code', 'aria-label': `Code ${Array.from(userCode).join(' ')}` }, userCode),
    ...(expiresAt === null ? [] : [h('p', { class: 'small' }, `The code works until ${timeOfDay(expiresAt)}.`)]),
    h('div', { class: 'row' }, signInLink(url), copy),
  );
}

/** In the user's own zone and way of writing it. */
function timeOfDay(time: string): string {
  return new Date(time).toLocaleTimeString([], { hour: 'numeric', minute: '2-digit' });
}

function signInLink(url: string): HTMLAnchorElement {
  return h(
    'a',
    { class: 'button primary', href: url, target: '_blank', rel: 'noopener noreferrer' },
    'Open the sign-in page',
  );
}

export interface Question {
  readonly label: string;
  readonly kind: 'code' | 'text' | 'choice';
  readonly secret: boolean;
  readonly choices: readonly string[];
  /** Where the answer can be found. */
  readonly page?: string | undefined;
}

/** Something the CLI wants to know from the user. The answer resolves to whether it was taken. */
export function questionStep(question: Question, onAnswer: (value: string) => Promise<boolean>): HTMLElement {
  const { choices, kind, label, page, secret } = question;
  if (kind === 'choice') {
    const options = choices.map((choice) => button(choice, () => void onAnswer(choice)));
    return h('div', { class: 'offer', role: 'group', 'aria-label': label }, h('p', {}, label), ...options);
  }
  const field = h('input', {
    id: 'answer',
    // A code can be used once. Seeing it shows whether all of it was pasted.
    type: secret && kind !== 'code' ? 'password' : 'text',
    required: true,
    autocomplete: kind === 'code' ? 'one-time-code' : 'off',
    spellcheck: 'false',
    maxlength: 4096,
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    void check();
  };
  const send = h('button', { class: 'primary' }, 'Continue');
  const check = async (): Promise<void> => {
    field.readOnly = true;
    send.disabled = true;
    send.textContent = 'Checking…';
    if (await onAnswer(field.value)) return;
    field.readOnly = false;
    send.disabled = false;
    send.textContent = 'Continue';
    field.focus();
  };
  const where =
    page === undefined
      ? []
      : [
          h(
            'p',
            { class: 'small' },
            h('a', { href: page, target: '_blank', rel: 'noopener noreferrer' }, 'Where to find or make one'),
          ),
        ];
  return h('form', { class: 'offer', on: { submit } }, h('label', { for: 'answer' }, label), field, ...where, send);
}
