import { createApi } from './api.ts';
import { widgetStyles } from './connect-styles.ts';
import { createDesktopView } from './desktop-view.ts';
import { h } from './dom.ts';
import { createTicketApi } from './ticket-api.ts';

/**
 * The page behind `novncURL`: one login session's screen and nothing else. A server that asks who is there puts a ticket into
 * the link, in its fragment, which browsers send to nobody.
 */
const sessionId = /^\/api\/auth\/session\/([^/]+)\/novnc/.exec(location.pathname)?.[1] ?? '';
const api = createApi('');
const ticket = new URLSearchParams(location.hash.slice(1)).get('ticket');
// Neither a bookmark nor a glance at the address bar is worth a ticket.
if (ticket !== null) history.replaceState(null, '', location.pathname);

document.adoptedStyleSheets = [widgetStyles()];
const desktopApi = ticket === null ? api : createTicketApi(ticket);
const view = createDesktopView({ api: desktopApi, sessionId, takeFocus: true, onTrouble: () => {} });
document.body.append(view.toolbar, view.screen);

if (ticket === null) void showEnd();

async function showEnd(): Promise<void> {
  for await (const event of api.followLogin(sessionId, new AbortController().signal)) {
    if (event.type !== 'done') continue;
    view.close();
    const title = event.status === 'completed' ? 'You are signed in' : 'This sign-in has ended';
    const note = h('main', { class: 'ended' }, h('h1', {}, title), h('p', {}, event.message));
    document.body.replaceChildren(note, h('p', { class: 'ended' }, 'You can close this window.'));
  }
}
