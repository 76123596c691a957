import type { LoginEvent } from '@sallyport/client';

import { toProblem } from './api.ts';
import type { Api, LoginStatus, MethodChoice } from './api.ts';
import { createDesktopView, preloadDesktop } from './desktop-view.ts';
import type { DesktopView } from './desktop-view.ts';
import { button, h } from './dom.ts';
import { problemView } from './problem-view.ts';
import { codeStep, linkStep, questionStep } from './sign-in-steps.ts';
import type { Question } from './sign-in-steps.ts';

export interface SessionViewOptions {
  readonly api: Api;
  readonly status: LoginStatus;
  /** Puts the machine's screen into the embedding page's own tree. */
  placeScreen(screen: HTMLElement): void;
  onDone(status: LoginStatus): void;
  /** The user wants to log in another way. */
  readonly onOtherMethod: (way: MethodChoice) => void;
}

export interface SessionView {
  readonly element: HTMLElement;
  close(): void;
}

/** After so many failed connections to the screen the page offers another way by itself. */
const FAILURES_BEFORE_OFFER = 2;

/** Shown above a question that comes back. */
const notTaken = {
  title: 'That was not accepted',
  message: 'The CLI asks again.',
  hint: 'Copy all of it from the sign-in page and paste it here.',
};

/** One login session from its first phase to its end. */
export function createSessionView(options: SessionViewOptions): SessionView {
  const { api } = options;
  const { sessionId } = options.status;
  let status = options.status;
  let desktop: DesktopView | undefined;
  let ended = false;
  let shown = '';
  const answered = new Set<string>();

  const steps = h('ol', { class: 'steps', role: 'log', 'aria-live': 'polite', 'aria-label': 'Progress' });
  const progress = h('progress', { hidden: true, 'aria-label': 'Installing' });
  const step = h('div');
  const question = h('div', { hidden: true });
  const trouble = h('div', { hidden: true });
  const screenTrouble = h('div', { hidden: true });
  const cliScreen = h('div', { hidden: true });
  const otherMethod = h('div', { class: 'row' });
  const cancel = button('Cancel', () => void attempt(cancelSession), { class: 'quiet' });
  const footer = h('div', { class: 'row' }, otherMethod, h('span', { class: 'grow' }), cancel);
  const element = h(
    'div',
    { class: 'body' },
    steps,
    progress,
    trouble,
    screenTrouble,
    cliScreen,
    question,
    step,
    footer,
  );

  /** Resolves to whether it worked; what did not is shown. */
  async function attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      const { hint, message } = toProblem(error);
      if (!ended) show(trouble, problemView({ title: 'That did not work', message, hint }));
      return false;
    }
  }

  async function cancelSession(): Promise<void> {
    cancel.disabled = true;
    await api.cancel(sessionId).finally(() => (cancel.disabled = false));
  }

  async function refresh(): Promise<void> {
    status = await api.status(sessionId);
    if (ended) return;
    renderStep();
    renderOtherMethods();
    renderScreen();
    if (isOver(status)) finish();
  }

  function renderStep(): void {
    const { authUrl, display, userCode, expiresAt } = status;
    const key = JSON.stringify([display, authUrl, userCode, expiresAt, display === 'desktop' && isScreenReady(status)]);
    if (key === shown) return;
    shown = key;
    desktop?.close();
    desktop = undefined;
    if (display === 'desktop' && isScreenReady(status)) {
      desktop = createDesktopView({ api, sessionId, takeFocus: false, onTrouble: renderTrouble });
      const { pageHost } = status;
      // Only the address tells the vendor's page from one that looks like it, and the screen may not show one.
      const where =
        pageHost === null ? [] : [h('p', { class: 'small page-host' }, 'Sign-in page: ', h('b', {}, pageHost))];
      const screen = h('div', { class: 'desktop' }, desktop.toolbar, h('slot', { name: 'desktop' }));
      step.replaceChildren(...where, screen);
      options.placeScreen(desktop.screen);
    } else if (display !== 'desktop' && authUrl !== null) {
      step.replaceChildren(userCode === null ? linkStep(authUrl) : codeStep(authUrl, userCode, expiresAt));
      step.querySelector('a')?.focus();
    } else {
      step.replaceChildren();
    }
  }

  /** What the CLI shows, where it does not go on: the user may know what it wants. */
  function renderScreen(): void {
    cliScreen.hidden = status.screen === null;
    if (status.screen !== null) cliScreen.replaceChildren(h('p', {}, 'The CLI shows:'), h('pre', {}, status.screen));
  }

  function renderTrouble(failures: number): void {
    if (failures === 0) screenTrouble.hidden = true;
    if (failures !== FAILURES_BEFORE_OFFER || status.methods.length === 0) return;
    const ways = status.methods.map((way) => button(way.title, () => options.onOtherMethod(way)));
    const text = 'The sign-in page cannot be shown here right now. You can log in another way:';
    show(
      screenTrouble,
      h('div', { class: 'offer', role: 'alert' }, h('p', {}, text), h('div', { class: 'row' }, ...ways)),
    );
  }

  function renderOtherMethods(): void {
    otherMethod.hidden = status.methods.length === 0;
    if (otherMethod.childElementCount > 0) return;
    otherMethod.append(otherMethods(status.methods, options.onOtherMethod));
  }

  function ask({ message: label, data }: Extract<LoginEvent, { type: 'prompt' }>): void {
    const { promptId: id, kind, secret, choices, page } = data;
    const asked: Question = { label, kind, secret, choices, page };
    const answer = (value: string): Promise<boolean> =>
      attempt(async () => {
        await api.answer(sessionId, id, value);
        trouble.hidden = true;
        answered.add(id);
        // A choice has nothing to check. A code stays, being checked, until the login goes on or the CLI asks again.
        question.hidden = asked.kind === 'choice';
      });
    show(question, questionStep(asked, answer));
    if (answered.delete(id)) show(trouble, problemView(notTaken));
    question.querySelector<HTMLElement>('input, button')?.focus();
  }

  function onEvent(event: LoginEvent): void {
    if (event.type === 'progress') {
      const { fraction = 1 } = event.data ?? {};
      progress.hidden = fraction >= 1;
      progress.value = fraction;
      return;
    }
    if (event.type !== 'prompt') addStep(steps, event);
    if (event.type === 'prompt') ask(event);
    if (event.type === 'phase') {
      progress.hidden = true;
      if (event.phase !== 'awaiting-user') question.hidden = true;
    }
    void attempt(refresh);
  }

  function finish(): void {
    if (ended) return;
    close();
    options.onDone(status);
  }

  const closed = new AbortController();
  function close(): void {
    ended = true;
    desktop?.close();
    closed.abort();
  }

  async function follow(): Promise<void> {
    try {
      for await (const event of api.followLogin(sessionId, closed.signal)) onEvent(event);
    } catch {
      // The status says why there are no more events.
      if (!ended) await attempt(refresh);
    }
  }

  // Fetched while the machine starts. A failure shows when it is used.
  if (status.display === 'desktop') void preloadDesktop().catch(() => {});
  renderStep();
  renderOtherMethods();
  void follow();
  return { element, close };
}

export function isOver(status: LoginStatus): boolean {
  return status.status === 'completed' || status.status === 'failed' || status.status === 'cancelled';
}

/** A list of ways to log in and the button that takes one. */
export function otherMethods(ways: readonly MethodChoice[], onChosen: (way: MethodChoice) => void): HTMLElement {
  const select = h(
    'select',
    { 'aria-label': 'Another way to log in' },
    ...ways.map((way) => h('option', { value: way.id }, way.title)),
  );
  const go = button('Try another way', () => {
    const way = ways.find((choice) => choice.id === select.value);
    if (way) onChosen(way);
  });
  return h('div', { class: 'row' }, ...(ways.length > 1 ? [select] : []), go);
}

/** The screen is worth showing from the moment its browser goes to the sign-in page. */
function isScreenReady(status: LoginStatus): boolean {
  return status.status === 'ready' || status.status === 'awaiting_user_auth';
}

function addStep(steps: HTMLElement, event: LoginEvent): void {
  const isNote = event.type === 'notice' || event.type === 'url';
  if (event.type === 'url') return;
  const last = steps.lastElementChild;
  if (last?.textContent === event.message) return;
  if (!isNote) steps.querySelector('.now')?.classList.remove('now', 'waits');
  const waits = event.phase === 'awaiting-user' ? ' waits' : '';
  steps.append(h('li', { class: isNote ? 'note' : `now${waits}` }, event.message));
}

function show(place: HTMLElement, content: HTMLElement): void {
  place.replaceChildren(content);
  place.hidden = false;
}
