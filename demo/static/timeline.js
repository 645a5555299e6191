// A lane for each caller; a mark for each request, moving left as time goes by.

const SPAN_MS = 20000;
const LANE_PX = 26;
const NAMES_PX = 124;

export class Timeline {
  constructor(canvas) {
    this.canvas = canvas;
    this.lanes = new Map();
  }

  lane(key, name) {
    if (!this.lanes.has(key)) this.lanes.set(key, {name, marks: []});
  }

  note(key, allowed) {
    this.lanes.get(key).marks.push({at: performance.now(), allowed});
  }

  draw(now) {
    const {canvas, lanes} = this;
    const style = getComputedStyle(canvas);
    const [line, text, admitted, denied] = ['--line', '--text', '--admitted', '--denied'].map(
      name => style.getPropertyValue(name));
    const ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = lanes.size * LANE_PX + 12;
    canvas.style.height = `${height}px`;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = `14px ${style.fontFamily}`;
    context.textBaseline = 'middle';
    let y = 6 + LANE_PX / 2;
    for (const lane of lanes.values()) {
      lane.marks = lane.marks.filter(mark => now - mark.at < SPAN_MS);
      context.fillStyle = line;
      context.fillRect(NAMES_PX, y, width - NAMES_PX - 12, 1);
      context.fillStyle = text;
      context.fillText(lane.name, 12, y, NAMES_PX - 24);
      for (const mark of lane.marks) {
        const x = NAMES_PX + (width - NAMES_PX - 14) * (1 - (now - mark.at) / SPAN_MS);
        context.fillStyle = mark.allowed ? admitted : denied;
        // Told apart by place and shape as well as by colour.
        if (mark.allowed) context.fillRect(x - 1.5, y - 10, 3, 10);
        else context.fillRect(x - 1, y + 2, 2, 7);
      }
      y += LANE_PX;
    }
  }
}
