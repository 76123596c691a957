import { createApi } from './api.ts';
import { widgetStyles } from './connect-styles.ts';
import { createDesktopView } from './desktop-view.ts';
import { h } from './dom.ts';

/** The page behind `novncURL`: one login session's screen and nothing else. */
const sessionId = /^\/api\/auth\/session\/([^/]+)\/novnc/.exec(location.pathname)?.[1] ?? '';
const api = createApi('');

document.adoptedStyleSheets = [widgetStyles()];
const view = createDesktopView({ api, sessionId, takeFocus: true, onTrouble: () => {} });
document.body.append(view.toolbar, view.screen);

const events = api.events(sessionId);
events.addEventListener('message', ({ data }) => {
  const event: { readonly type: string; readonly status: string; readonly message: string } = JSON.parse(data);
  if (event.type !== 'done') return;
  events.close();
  view.close();
  const title = event.status === 'completed' ? 'You are signed in' : 'This sign-in has ended';
  const note = h('main', { class: 'ended' }, h('h1', {}, title), h('p', {}, event.message));
  document.body.replaceChildren(note, h('p', { class: 'ended' }, 'You can close this window.'));
});
