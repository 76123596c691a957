import { methodName } from '@sallyport/core/engine';
import type { MethodChoice } from '@sallyport/core';

import { openBrowser, readCodeFromCanvas, typeIntoCanvas } from './browser.ts';
import { loginStatus, startLogin, visitSignInPage } from './person.ts';
import type { LastPage, LoginStatus, Person } from './person.ts';
import { poll } from './server.ts';

export interface AnySignIn {
  readonly provider: string;
  readonly way: MethodChoice;
  /** What the user has at hand, by the id of the prompt: an API key. */
  readonly answers: Readonly<Record<string, string>>;
}

/**
 * Logs in by whatever way of whatever provider: on the vendor's pages in the user's own browser or in the login
 * machine's, with a code that goes from here to there or from there to here, or with a key.
 */
export async function signInAnywhere(person: Person, { provider, way, answers }: AnySignIn): Promise<LoginStatus> {
  const sessionId = await startLogin(person, methodName(way), provider);
  const asked = new Set<string>();
  let page: LastPage | undefined;
  await person.api.sessionEvents(sessionId, async (event) => {
    const { type, phase } = event;
    if (event.type === 'prompt') asked.add(event.data.promptId);
    if (type === 'url') page = await visitSignInPage(person, await loginStatus(person, sessionId), 'approve');
    if (type === 'phase' && phase === 'awaiting-user' && way.display === 'desktop') {
      await signInOnDesktop(person, sessionId);
    }
    for (const promptId of asked) {
      const value = answers[promptId] ?? page?.code;
      // The page that shows the code may come after the question.
      if (value === undefined && !way.needs.includes('key')) continue;
      asked.delete(promptId);
      const answered = await person.api.post(`/api/auth/session/${sessionId}/answer`, { promptId, value });
      if (answered.status >= 300) throw new Error(`The answer was refused: ${JSON.stringify(answered.body)}`);
    }
  });
  return loginStatus(person, sessionId);
}

async function signInOnDesktop(person: Person, sessionId: string): Promise<void> {
  const { novncURL } = (await person.api.get(`/api/auth/session/${sessionId}/status`)).body;
  const browser = await openBrowser();
  try {
    const viewer = await browser.newPage();
    await viewer.goto(novncURL);
    await typeIntoCanvas(viewer, await readCodeFromCanvas(viewer));
    await viewer.keyboard.press('Enter');
    await poll('the sign-in page to have led somewhere', async () => {
      const { phase } = await loginStatus(person, sessionId);
      return phase === 'awaiting-user' ? undefined : true;
    });
  } finally {
    await browser.close();
  }
}
