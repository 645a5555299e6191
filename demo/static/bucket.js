// A bucket is one number: the instant when it is full again. Everything drawn follows from it.

const template = document.getElementById('bucket');

export class Bucket {
  constructor(limit, owner) {
    this.limit = limit;
    this.fullAt = 0; // by performance.now(), in milliseconds; the past for a bucket that is full
    this.shown = undefined;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.tank = this.element.querySelector('.tank');
    this.water = this.element.querySelector('.water');
    this.text = this.element.querySelector('.level');
    this.element.querySelector('.limit').textContent = limit.text;
    this.tank.style.setProperty('--tokens', limit.burst);
    this.tank.setAttribute('aria-valuemax', limit.burst);
    this.tank.setAttribute('aria-label', `Tokens of ${owner}, ${limit.text}`);
  }

  // What a decision told: in so many milliseconds it is full, if nobody asks.
  note(fullInMs) {
    this.fullAt = performance.now() + fullInMs;
  }

  // Tokens at an instant, with the fraction of the next one.
  level(now) {
    const missing = Math.max(0, this.fullAt - now) / this.limit.unit_ms;
    return Math.max(0, this.limit.burst - missing);
  }

  draw(now) {
    const level = this.level(now);
    const whole = Math.floor(level + 1e-6);
    this.water.style.transform = `scaleY(${level / this.limit.burst})`;
    if (whole === this.shown) return;
    this.shown = whole;
    this.tank.classList.toggle('low', whole > 0 && whole <= this.limit.burst / 4);
    this.tank.classList.toggle('empty', whole === 0);
    this.tank.setAttribute('aria-valuenow', whole);
    this.text.textContent = `${whole} of ${this.limit.burst}`;
  }

  // The limit that denied a request shows it for a moment.
  denied() {
    this.tank.classList.remove('denied');
    void this.tank.offsetWidth; // so that the animation begins anew
    this.tank.classList.add('denied');
  }
}
