// Rows as points on the input plane, each class with a colour and a shape of its own.
import { classColour, css, SHAPES, signColour } from "./palette.js";

const OUTLINES = {
  circle: (pen, r) => pen.arc(0, 0, r, 0, 2 * Math.PI),
  square: (pen, r) => pen.rect(-r * 0.88, -r * 0.88, r * 1.76, r * 1.76),
  triangle: (pen, r) => polygon(pen, r * 1.25, 3, -Math.PI / 2),
  diamond: (pen, r) => polygon(pen, r * 1.25, 4, -Math.PI / 2),
  cross: (pen, r) => cross(pen, r * 1.1),
  star: (pen, r) => star(pen, r * 1.35),
  hexagon: (pen, r) => polygon(pen, r * 1.15, 6, 0),
  bar: (pen, r) => pen.rect(-r * 1.2, -r * 0.5, r * 2.4, r),
  pentagon: (pen, r) => polygon(pen, r * 1.15, 5, -Math.PI / 2),
  saltire: (pen, r) => cross(pen, r * 1.1, Math.PI / 4),
};

function polygon(pen, r, sides, turn) {
  for (let i = 0; i < sides; i++) pen.lineTo(r * Math.cos(turn + (2 * Math.PI * i) / sides), r * Math.sin(turn + (2 * Math.PI * i) / sides));
  pen.closePath();
}

function star(pen, r) {
  for (let i = 0; i < 10; i++) {
    const far = i % 2 ? r * 0.45 : r;
    pen.lineTo(far * Math.cos((Math.PI * i) / 5 - Math.PI / 2), far * Math.sin((Math.PI * i) / 5 - Math.PI / 2));
  }
  pen.closePath();
}

function cross(pen, r, turn = 0) {
  const w = r * 0.38;
  const corners = [[-w, -r], [w, -r], [w, -w], [r, -w], [r, w], [w, w], [w, r], [-w, r], [-w, w], [-r, w], [-r, -w], [-w, -w]];
  for (const [x, y] of corners) pen.lineTo(x * Math.cos(turn) - y * Math.sin(turn), x * Math.sin(turn) + y * Math.cos(turn));
  pen.closePath();
}

export function drawPoint(pen, x, y, radius, { label, kind, most = 1, held = false, chosen = false, ring = "#fff", ink = "#000" }) {
  pen.save();
  pen.translate(x, y);
  pen.beginPath();
  const shape = kind === "regression" ? "circle" : SHAPES[label % SHAPES.length];
  OUTLINES[shape](pen, chosen ? radius * 1.7 : radius);
  const colour = kind === "regression" ? signColour(label) : classColour(label);
  pen.fillStyle = css(colour, kind === "regression" ? 0.25 + 0.75 * Math.min(1, Math.abs(label) / most) : 1);
  pen.lineWidth = chosen ? radius * 0.7 : radius * 0.35;
  pen.strokeStyle = chosen ? ink : ring;
  if (held) {
    pen.fillStyle = ring;
    pen.fill();
    pen.strokeStyle = chosen ? ink : css(colour);
    pen.lineWidth = radius * 0.5;
    pen.stroke();
  } else {
    pen.stroke();
    pen.fill();
  }
  pen.restore();
}
