import { h } from './dom.ts';

export interface ShownProblem {
  readonly title: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** What went wrong and what to do, read out at once by screen readers. */
export function problemView({ hint, message, title }: ShownProblem): HTMLElement {
  return h(
    'div',
    { class: 'problem', role: 'alert' },
    h('strong', {}, title),
    h('p', {}, message),
    hint ? h('p', {}, hint) : undefined,
  );
}
