// The catalogue of causes of this page's server.
import { Causes } from '../core/causes.mjs';
import { atHome } from './home.mjs';

const causes = new Causes(atHome('/'));

export const explain = (refusal) => causes.explain(refusal);
