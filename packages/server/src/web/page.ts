import { createApi, toProblem } from './api.ts';
import { SallyportConnect } from './connect-element.ts';
import { widgetStyles } from './connect-styles.ts';
import { button, h } from './dom.ts';
import { problemView } from './problem-view.ts';
import { createPromptPanel } from './prompt-panel.ts';

/** The server's own page: the providers, and a prompt box once one is connected. */
const api = createApi('');
const providerList = element('providers');
const promptPlace = element('prompt-place');
const panel = createPromptPanel(api, (outcome) => refreshElements(outcome));

document.adoptedStyleSheets = [widgetStyles()];
promptPlace.append(panel.element);
document.addEventListener('sallyport-change', () => void load());
void load();

async function load(): Promise<void> {
  try {
    const providers = await api.providers();
    if (providerList.querySelectorAll('sallyport-connect').length === 0) {
      providerList.replaceChildren(
        ...providers.map(({ id }) => {
          const connect = new SallyportConnect();
          connect.setAttribute('provider', id);
          return connect;
        }),
      );
    }
    panel.setProviders(providers.filter((provider) => provider.connected && !provider.disabled));
  } catch (error) {
    const { hint, message } = toProblem(error);
    const view = problemView({ title: 'The providers cannot be shown', message, hint });
    providerList.replaceChildren(
      h(
        'div',
        { class: 'failed' },
        view,
        button('Try again', () => void load()),
      ),
    );
  }
}

/** A prompt has shown whether its login works. */
function refreshElements(outcome: string): void {
  for (const connect of document.querySelectorAll('sallyport-connect')) {
    if (!(connect instanceof SallyportConnect)) continue;
    if (outcome === 'relogin-needed' || (outcome === 'completed' && connect.isUnchecked)) void connect.refresh();
  }
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new TypeError(`The page has no #${id}`);
  return found;
}
