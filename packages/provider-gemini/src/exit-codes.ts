/** Why Gemini CLI ended, in words for the user. Its own words are on stderr, behind stack traces. */
export const exitMeanings: Readonly<Record<number, string>> = {
  41: 'Gemini CLI is not logged in, or Google no longer accepts its login.',
  42: 'Gemini CLI refused its input: the conversation does not exist in this machine, or the prompt is empty.',
  44: 'Gemini CLI could not start its sandbox.',
  52: 'Gemini CLI does not accept its settings.',
  53: 'Gemini CLI reached the number of turns that its settings allow.',
  54: 'A tool of Gemini CLI failed in a way it cannot go on from.',
  55: 'Gemini CLI does not trust the directory it was started in.',
  130: 'Gemini CLI was interrupted.',
};

/** The exit code that means: log in again. */
export const EXIT_NOT_AUTHENTICATED = 41;
