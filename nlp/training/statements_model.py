"""The statement branch: copies of the tagger's three upper layers, fine-tuned, with heads for hostile statements."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from statements_data import HIDDEN, N_LABELS, N_SHARED, ROLE_LABELS, SECTORS

N_LAYERS, N_HEADS = 3, 12
N_CONTEXTS = 4
N_MARKS = 10
CLASSES = [6, 4, 4, 3, 1]  # Kind, domain, modality, tense; whether the trigger is one.


class Layer(nn.Module):
    """A BERT layer; query, key and value in one matrix."""

    def __init__(self, dropout):
        super().__init__()
        self.qkv, self.out = nn.Linear(HIDDEN, 3 * HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.up, self.down = nn.Linear(HIDDEN, 4 * HIDDEN), nn.Linear(4 * HIDDEN, HIDDEN)
        self.norm1, self.norm2 = nn.LayerNorm(HIDDEN, 1e-12), nn.LayerNorm(HIDDEN, 1e-12)
        self.dropout = nn.Dropout(dropout)

    def copy(self, weights, number):
        """Takes the weights of the tagger's layer `number` (0-based)."""
        prefix = f"bert.encoder.layer.{number}"
        three = [f"{prefix}.attention.self.{part}" for part in ("query", "key", "value")]
        parts = dict(out="attention.output.dense", norm1="attention.output.LayerNorm",
                     up="intermediate.dense", down="output.dense", norm2="output.LayerNorm")
        with torch.no_grad():
            for kind in ("weight", "bias"):
                getattr(self.qkv, kind).copy_(torch.cat([weights[f"{name}.{kind}"] for name in three]))
                for own, name in parts.items():
                    getattr(getattr(self, own), kind).copy_(weights[f"{prefix}.{name}.{kind}"])

    def forward(self, x, keep):
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, N_HEADS, d // N_HEADS).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=keep)
        x = self.norm1(x + self.dropout(self.out(mixed.transpose(1, 2).reshape(b, n, d))))
        return self.norm2(x + self.dropout(self.down(F.gelu(self.up(x)))))


class Branch(nn.Module):
    """Inputs: words [b,n,426] (states after layer 3, label probabilities), mask [b,n], marks [b,n],
    contexts [b,4,384]. Outputs, as logits: trigger [b,n,3], sentence [b,7] (any, then the kinds), role [b,n,9],
    class [b,18], sector [b,n,34]. The first two count when nothing is marked, the others when a trigger is.
    """

    def __init__(self, dropout=0.1, head_dropout=0.2, input_dropout=0.1):
        super().__init__()
        self.labels, self.contexts = nn.Linear(N_LABELS, HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.places = nn.Parameter(torch.randn(N_CONTEXTS, HIDDEN) * 0.02)
        self.marks = nn.Embedding(N_MARKS, HIDDEN, padding_idx=0)
        for weight in (self.labels.weight, self.contexts.weight, self.marks.weight):
            nn.init.normal_(weight, std=0.02)
        with torch.no_grad():
            self.marks.weight[0] = 0
        self.layers = nn.ModuleList([Layer(dropout) for _ in range(N_LAYERS)])
        self.trigger, self.role, self.sector = (nn.Linear(HIDDEN, n) for n in (3, len(ROLE_LABELS), len(SECTORS)))
        self.sentence = nn.Linear(2 * HIDDEN + 2 * N_LABELS, 7)
        self.cls = nn.Linear(3 * HIDDEN, sum(CLASSES))
        with torch.no_grad():  # Start from what is rare: most words are no trigger, most sectors are not hit.
            self.sector.bias.fill_(-3.5)
            self.trigger.bias.copy_(torch.tensor([1.5, -1.5, -1.5]))
            self.role.bias[0] = 2.0
        self.drop, self.drop_word = nn.Dropout(head_dropout), nn.Dropout2d(input_dropout)
        self.drop_context = nn.Dropout(0.2)

    def copy(self, weights):
        """Starts from the tagger's upper layers."""
        for number, layer in enumerate(self.layers):
            layer.copy(weights, N_SHARED + number)

    def forward(self, words, mask, marks, contexts):
        n = words.shape[1]
        present = mask > 0
        current = present.to(words.dtype)[..., None]
        states, labels = words[..., :HIDDEN], words[..., HIDDEN:]
        states = self.drop_word(states[:, :, None])[:, :, 0]  # Sometimes a whole word's state, as if unread.
        x = states + self.labels(labels) + self.marks(marks)
        around = self.contexts(self.drop_context(contexts)) + self.places
        x = torch.cat([x, around], 1)
        keep = torch.cat([present, torch.ones_like(contexts[..., 0], dtype=torch.bool)], 1)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, keep)
        x = x[:, :n]
        n_current = current.sum(1).clamp(min=1)
        mean = (x * current).sum(1) / n_current
        highest = (x * current - (1 - current) * 1e4).max(1)[0]
        label_highest, label_mean = (labels * current).max(1)[0], (labels * current).sum(1) / n_current
        sentence = self.sentence(torch.cat([self.drop(mean), self.drop(highest), label_highest, label_mean], -1))
        at = (marks == 1).to(words.dtype)[..., None]
        trigger = (x * at).sum(1) / at.sum(1).clamp(min=1)
        classes = self.cls(self.drop(torch.cat([trigger, mean, highest], -1)))
        y = self.drop(x)
        return self.trigger(y), sentence, self.role(y), classes, self.sector(y)
