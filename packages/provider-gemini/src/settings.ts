/** What Gemini CLI is to find when it starts. */

const settings = {
  general: {
    enableAutoUpdate: false,
    enableAutoUpdateNotification: false,
    // Without a user at the terminal, the model could leave plan mode by itself, and with it `read-only`.
    plan: { enabled: false },
  },
  privacy: { usageStatisticsEnabled: false },
  telemetry: { enabled: false },
  // The `.env` of a repository could name another server, to which the credential would go.
  advanced: { ignoreLocalEnv: true },
};

/**
 * A credential alone is not enough: without the type that goes with it a prompt ends with exit code 41. With `none` it
 * is for the login to choose; `gemini --acp` would use a type at once, before it reads what it is told.
 */
export function settingsFile(selectedType: 'oauth-personal' | 'gemini-api-key' | 'none') {
  const content = selectedType === 'none' ? settings : { ...settings, security: { auth: { selectedType } } };
  return { path: '~/.gemini/settings.json', content: `${JSON.stringify(content, null, 2)}\n` };
}
