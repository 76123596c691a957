import { z } from 'zod';

import { openaiStateSchema } from '../fake-openai/state.ts';

/** What tests may know about the fake provider. Read with `googleStateSchema.parse((await control.state()).google)`. */
export const googleStateSchema = openaiStateSchema.pick({ faults: true, logins: true, families: true });

export type GoogleState = z.infer<typeof googleStateSchema>;
