export { releaseAll as default } from '../engines/releases.ts';
