// A caller's card: the two buckets, who was admitted and denied, and what to click.

import {Bucket} from './bucket.js';
import {flooding, search} from './requests.js';

const template = document.getElementById('caller');
const KINDS = {key: 'API key', session: 'session', address: 'address'};

export class Caller {
  constructor(kind, name, limits) {
    this.element = template.content.firstElementChild.cloneNode(true);
    this.element.dataset.caller = `${kind}:${name}`;
    this.find('h3').textContent = name;
    this.find('.badge').textContent = KINDS[kind];
    this.buckets = new Map(limits.map(limit => [limit.name, new Bucket(limit, name)]));
    this.find('.buckets').append(...[...this.buckets.values()].map(bucket => bucket.element));
    this.retryAt = 0;
    this.addButtons(kind, name);
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  addButtons(kind, name) {
    const ask = this.find('.ask');
    const flood = this.find('.flood');
    const about = document.createElement('span');
    about.className = 'unseen';
    about.textContent = ` as ${name}`;
    ask.append(about);
    flood.append(about.cloneNode(true));
    const key = kind === 'key' ? name : null;
    ask.addEventListener('click', () => search(key));
    this.flood = flooding(flood, key);
  }

  note(record) {
    for (const [name, fullInMs] of Object.entries(record.full_in_ms)) {
      this.buckets.get(name)?.note(fullInMs);
    }
    this.find('.admitted b').textContent = record.admitted;
    this.find('.denied b').textContent = record.denied;
  }

  decided(decision) {
    this.retryAt = 0;
    if (!decision.allowed && !decision.outage) {
      this.retryAt = performance.now() + decision.retry_after_ms;
      this.buckets.get(decision.denied_by)?.denied();
    }
    this.last = decision;
    this.find('.last').classList.toggle('wrong', !decision.allowed);
  }

  draw(now) {
    for (const bucket of this.buckets.values()) bucket.draw(now);
    const text = this.outcome(now);
    const last = this.find('.last');
    if (text !== undefined && last.textContent !== text) last.textContent = text;
  }

  outcome(now) {
    if (this.last === undefined) return undefined;
    if (this.last.allowed) return '200, admitted';
    if (this.last.outage) return '503, the table was out of reach';
    const wait = this.retryAt - now;
    return wait > 0 ? `429, retry in ${(wait / 1000).toFixed(1)} s` : '429, ask again';
  }
}
