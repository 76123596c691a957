import { createApi, toProblem } from './api.ts';
import type { LinkPage, LoginStatus, MethodChoice } from './api.ts';
import { widgetStyles } from './connect-styles.ts';
import { button, h } from './dom.ts';
import { problemView } from './problem-view.ts';
import { createSessionView, isOver } from './session-view.ts';

/** The page of a connect link: one login, for the product that has sent the user here, and back. */
const api = createApi('');
const place = document.querySelector('main') ?? document.body;
const token = location.hash.slice(1);
// Neither a bookmark nor a glance at the address bar is worth a link.
history.replaceState(null, '', location.pathname);
document.adoptedStyleSheets = [widgetStyles()];

type Provider = LinkPage['providers'][number];

let page: LinkPage;
void open();

async function open(): Promise<void> {
  try {
    page = await api.openLink(token === '' ? undefined : token);
  } catch (error) {
    const { hint, message } = toProblem(error);
    place.replaceChildren(problemView({ title: 'This page cannot be shown', message, hint }));
    return;
  }
  if (!page.login) prepare(page);
  document.title = `Connect · ${page.product}`;
  render();
}

/** Where it fails, the login takes longer. */
function prepare({ providers }: LinkPage): void {
  const [only] = providers.length === 1 ? providers : [];
  void api.prepare(only?.id).catch(() => undefined);
}

function render(): void {
  const { login } = page;
  if (login && !isOver(login)) follow(login);
  else if (login?.status === 'completed') void goBack();
  else choose(login ?? undefined);
}

/** What will happen, before anything does. */
function choose(failed?: LoginStatus): void {
  const { product, providers, returnHost } = page;
  const trouble =
    failed?.status === 'failed'
      ? [
          problemView({
            title: 'The login did not work',
            message: failed.errorMessage ?? 'The login failed.',
            hint: failed.errorHint ?? '',
          }),
        ]
      : [];
  place.replaceChildren(
    h(
      'h1',
      {},
      `${product} asks you to connect ${providers.length === 1 ? (providers[0]?.title ?? '') : 'a coding CLI'}`,
    ),
    h(
      'p',
      {},
      `You log in on the vendor's own page. The login is stored encrypted, and ${product} runs prompts with it on a machine that only you use.`,
    ),
    ...trouble,
    ...providers.map(card),
    h(
      'div',
      { class: 'row' },
      button(`Return to ${returnHost}`, () => void goBack(), { class: 'quiet' }),
    ),
  );
}

function card(provider: Provider): HTMLElement {
  const { consent, disabled, methods, terms, title } = provider;
  const termsLink = h('a', { href: terms, target: '_blank', rel: 'noopener noreferrer' }, 'Terms');
  const keys = methods.filter(({ needs }) => needs.includes('key'));
  const body = disabled
    ? [h('p', { class: 'small' }, `${disabled.reason} ${disabled.hint}`)]
    : [
        h('p', { class: 'small' }, consent.text, ' ', termsLink),
        h(
          'div',
          { class: 'row' },
          button(`Connect ${title}`, () => void start(provider), { class: 'primary' }),
          ...keys.map((way) => button(way.title, () => void start(provider, way))),
        ),
      ];
  return h('section', { class: 'card', 'aria-label': title }, h('div', { class: 'body' }, h('h2', {}, title), ...body));
}

async function start({ id, consent }: Provider, way?: MethodChoice): Promise<void> {
  try {
    page = await api.startLinkLogin({ provider: id, consent: consent.id, ...(way && { method: way.id }) });
    render();
  } catch (error) {
    const { hint, message } = toProblem(error);
    const again = button('Try again', () => void open());
    place.replaceChildren(problemView({ title: 'That did not work', message, hint }), again);
  }
}

function follow(status: LoginStatus): void {
  const provider = page.providers.find(({ id }) => id === status.provider);
  const view = createSessionView({
    api,
    status,
    // The view has not been returned yet when it places its first screen.
    placeScreen: (screen) => queueMicrotask(() => view.element.querySelector('slot')?.replaceWith(screen)),
    onDone: (end) => {
      page = { ...page, login: end };
      render();
    },
    onOtherMethod: (way) => {
      view.close();
      void api
        .cancel(status.sessionId)
        .catch(() => undefined)
        .then(() => provider && start(provider, way));
    },
  });
  const title = provider?.title ?? status.provider;
  place.replaceChildren(
    h('h1', {}, `Connect ${title} to ${page.product}`),
    h('section', { class: 'card', 'aria-label': title }, view.element),
  );
}

async function goBack(): Promise<void> {
  try {
    place.replaceChildren(h('p', { role: 'status' }, `Returning to ${page.returnHost}…`));
    location.replace((await api.returnFromLink()).url);
  } catch (error) {
    const { hint, message } = toProblem(error);
    place.replaceChildren(problemView({ title: 'That did not work', message, hint }));
  }
}
