/** Version of the client; equals the one of `cli/package.json` (a test compares them). */
export const VERSION = '0.1.0';

/** `User-Agent` of every request (contract §17.1, spec). */
export const USER_AGENT = `cynork/${VERSION}`;
