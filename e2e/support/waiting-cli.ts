import type { ResidentScript, ResidentUnderTest } from '@sallyport/testkit';
import { vendorStateSchema } from '@sallyport/testkit/vendors';
import { expect } from 'vitest';

import { readEvents } from './api.ts';
import type { Person } from './person.ts';
import { processesOf } from './processes.ts';

export interface WaitingCliOptions {
  readonly provider: string;
  /** The command line of the CLI itself, without the sandbox around it. */
  readonly command: RegExp;
  /** Its vendor's name on the control socket. */
  readonly vendor: string;
  readonly person: Pick<Person, 'api' | 'server'>;
}

/** What the fake vendors' models do. */
export const residentScript: ResidentScript = {
  recall: '[[recall]]',
  slow: '[[slow 3000]]',
  write: (file) => `[[write ${file}: yes]]`,
  refused: 'I could not write',
};

/** The real CLI of a provider that stays in its machine between prompts, behind a real server. */
export function createWaitingCli({ provider, command, vendor, person }: WaitingCliOptions): ResidentUnderTest {
  const { api, server } = person;
  return {
    ask: async (prompt, options = {}) => {
      const { end, text, conversationId = '' } = await api.prompt({ provider, prompt, ...options });
      expect(end).toMatchObject({ outcome: 'completed' });
      return { text, conversationId };
    },
    cancel: async (prompt, options = {}) => {
      const response = await fetch(`${server.origin}/api/vm/cli/prompt`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ provider, prompt, ...options }),
      });
      let promptId = '';
      for await (const { data } of readEvents(response)) {
        const event = JSON.parse(data);
        if (event.type === 'prompt-start') ({ promptId } = event);
        if (event.type !== 'text') continue;
        // To leave the stream does not end a prompt.
        await api.remove(`/api/vm/cli/prompt/${promptId}`);
        break;
      }
    },
    prepare: async () => {
      const { status } = await api.post('/api/vm/cli/prepare', { provider });
      expect(status).toBe(202);
    },
    processes: async () => {
      const found = await processesOf(server.dataDirectory);
      return found.filter((each) => command.test(each.command)).map(({ pid }) => pid);
    },
    expireAccess: () => server.internet.setFaults({ [vendor]: { accessExpiredBefore: Date.now() } }),
    logins: async () => {
      const { families } = vendorStateSchema.parse((await server.internet.state())[vendor]);
      return {
        refreshes: families.reduce((sum, { refreshes }) => sum + refreshes, 0),
        revoked: families.some(({ revokedBecause }) => revokedBecause !== null),
      };
    },
  };
}
