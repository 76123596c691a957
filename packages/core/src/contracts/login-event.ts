import { z } from 'zod';

export const sessionStatusSchema = z
  .enum(['pending', 'ready', 'awaiting_user_auth', 'completed', 'failed', 'cancelled'])
  .describe('State of a login session. The last three are final.');

export type SessionStatus = z.infer<typeof sessionStatusSchema>;

/** In every event of a login session. */
const always = {
  status: sessionStatusSchema,
  phase: z.string().describe('What the login is doing; more detailed than the status. New phases may be added.'),
  message: z.string().describe('What to tell the user.'),
};

/** What the user sees of a login session. Each event is stored with an id and streamed over SSE. */
export const loginEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('phase'), ...always }).describe('The login has entered another phase.'),
  z
    .object({
      type: z.literal('progress'),
      ...always,
      data: z
        .object({ fraction: z.number().min(0).max(1).describe('How much of the installation is done.') })
        .optional(),
    })
    .describe('Something that takes long goes on, such as the installation of a CLI.'),
  z
    .object({
      type: z.literal('url'),
      ...always,
      data: z.object({
        url: z.string().describe("The vendor's sign-in page, for the user's own browser."),
        userCode: z.string().nullable().describe('What to type there; null if there is nothing to type.'),
        expiresAt: z.iso
          .datetime()
          .nullable()
          .optional()
          .describe('When the code ends; null if that is not known. Absent in events of earlier releases.'),
      }),
    })
    .describe('The user has to open a page.'),
  z
    .object({
      type: z.literal('prompt'),
      ...always,
      data: z.object({
        promptId: z.string().describe('Goes back with the answer.'),
        kind: z.enum(['code', 'text', 'choice']),
        secret: z.boolean().describe('Whether to hide what the user types.'),
        choices: z.array(z.string()).describe('For a choice: the answers to choose from. Send one of them unchanged.'),
        page: z.string().optional().describe("The vendor's page where the user finds the value."),
      }),
    })
    .describe('The CLI asks the user something. `POST …/answer` sends the answer.'),
  z
    .object({ type: z.literal('notice'), ...always })
    .describe('Something worth telling, such as that another way to log in is tried.'),
  z
    .object({
      type: z.literal('done'),
      ...always,
      data: z.object({ code: z.string(), hint: z.string() }).optional().describe('Why it failed; absent if it worked.'),
    })
    .describe('The last event of every session.'),
]);

export type LoginEvent = z.infer<typeof loginEventSchema>;

type Without<Event, Key extends PropertyKey> = Event extends unknown ? Omit<Event, Key> : never;

/** An event other than a change of phase: the session adds where it stands. */
export type LoginNote = Without<Exclude<LoginEvent, { readonly type: 'phase' | 'done' }>, 'status' | 'phase'>;
