"""The stacked transformer is torch's own, net by net; nets share nothing."""

import math

import pytest
import torch
from torch.nn import TransformerEncoderLayer
from torch.nn.functional import layer_norm

from suite.language.tinylm.arithmetic import ADDITION
from suite.language.tinylm.model import Architecture, Transformer
from suite.language.tinylm.supervised import architecture_of, fresh
from tests.suite.language.tinylm.nets import stack, weights


def tokens_of(K, B, S, vocabulary=14):
    return torch.randint(vocabulary, (K, B, S), generator=torch.Generator().manual_seed(5))


def by_torch(net, tokens, heads):
    """Return logits and hidden states of one net, (B, S, ...), by torch's own layers."""
    width = net["tokens"].shape[1]
    x = net["tokens"][tokens] + net["positions"][: tokens.shape[-1]]
    mask = torch.nn.Transformer.generate_square_subsequent_mask(tokens.shape[-1])
    for layer in range(sum(name.endswith("mlp_in") for name in net)):
        of = {name.partition(".")[2]: w for name, w in net.items() if name[0] == str(layer)}
        block = TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0, activation="gelu", batch_first=True, norm_first=True
        )
        block.load_state_dict(
            {
                "self_attn.in_proj_weight": of["query_key_value"].T,
                "self_attn.in_proj_bias": of["query_key_value_bias"][0],
                "self_attn.out_proj.weight": of["attention_out"].T,
                "self_attn.out_proj.bias": of["attention_out_bias"][0],
                "linear1.weight": of["mlp_in"].T,
                "linear1.bias": of["mlp_in_bias"][0],
                "linear2.weight": of["mlp_out"].T,
                "linear2.bias": of["mlp_out_bias"][0],
                "norm1.weight": of["attention_norm"][0],
                "norm1.bias": of["attention_norm"][1],
                "norm2.weight": of["mlp_norm"][0],
                "norm2.bias": of["mlp_norm"][1],
            }
        )
        x = block(x, src_mask=mask, is_causal=True)
    h = layer_norm(x, (width,), *net["norm"])
    return h @ net["head"].T, h


def test_each_net_is_torchs_transformer():
    """Logits and hidden states are those of torch's `TransformerEncoderLayer`, pre-norm, causal."""
    model, tokens = stack(0, 1, 2), tokens_of(3, 4, 10)
    logits, hidden = model(tokens)
    for k in range(3):
        expected_logits, expected_hidden = by_torch(model.net(k), tokens[k], heads=2)
        torch.testing.assert_close(logits[k], expected_logits, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(hidden[k], expected_hidden, rtol=1e-4, atol=1e-5)


def test_the_last_positions_alone_are_the_same():
    """Where only the last positions are read, the others are left out of the last layer."""
    model, tokens = stack(0, 1), tokens_of(2, 3, 10)
    logits, hidden = model(tokens)
    some_logits, some_hidden = model(tokens, last=4)
    assert some_logits.shape == (2, 3, 4, 14)
    torch.testing.assert_close(some_logits, logits[:, :, -4:], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(some_hidden, hidden[:, :, -4:], rtol=1e-5, atol=1e-5)


def test_no_position_sees_a_later_token():
    """Changing a token changes no logits before it, and those at it."""
    model, tokens = stack(0), tokens_of(1, 1, 8)
    changed = tokens.clone()
    changed[..., 5] = (changed[..., 5] + 1) % 14
    before, after = model(tokens)[0], model(changed)[0]
    assert torch.equal(before[..., :5, :], after[..., :5, :])
    assert not torch.allclose(before[..., 5, :], after[..., 5, :])


def test_a_net_does_not_depend_on_its_stack():
    """Logits and gradients of a net are bitwise the same in a stack of three and of eight."""
    few, many = stack(0, 1, 2, width=64), stack(0, 1, 2, 3, 4, 5, 6, 7, width=64)
    tokens = tokens_of(8, 12, 10)
    (some, _), (every, _) = few(tokens[:3]), many(tokens)
    assert torch.equal(some, every[:3])
    one = few.gradient(some.square().mean(dim=(1, 2, 3)))
    assert torch.equal(one, many.gradient(every.square().mean(dim=(1, 2, 3)))[:3])


def test_gradients_follow_the_order_of_the_weights():
    """A small step along the flat gradient changes each net's loss as the gradient foretells."""
    model, tokens = stack(0, 1), tokens_of(2, 3, 6)

    def loss():
        return model(tokens)[0].log_softmax(dim=-1)[..., 0].mean(dim=(1, 2)).double()

    before = loss()
    gradient = model.gradient(before)
    step = torch.tensor([[1e-3], [2e-3]]) / gradient.norm(dim=1, keepdim=True)
    with torch.no_grad():
        model.flat.add_(step * gradient)
    foretold = (step * gradient.square()).sum(dim=1)
    torch.testing.assert_close((loss() - before).float(), foretold, rtol=0.02, atol=0)


def test_weights_start_as_the_sheet_says():
    """Normal with deviation 0.02, residual outputs / sqrt(2 layers); no bias, gains of one."""
    net = architecture_of(ADDITION, 64, 2, 4).initial(torch.Generator().manual_seed(0))
    for name, tensor in net.items():
        if name.endswith("bias"):
            assert not tensor.any()
        elif name.endswith("norm"):
            assert torch.equal(tensor[0], torch.ones(64))
            assert not tensor[1].any()
        else:
            deviation = 0.02 / (2 if name.endswith("_out") else 1)
            error = 4 * deviation / math.sqrt(2 * tensor.numel())
            assert abs(float(tensor.std()) - deviation) < error, name


def test_the_sizes_are_those_of_the_paper_sheet():
    """Two layers of width 64: head and embeddings are separate, and no more is stored."""
    model = fresh(ADDITION, (torch.Generator().manual_seed(0),), 64, 2, 4, "cpu")
    per_layer = 12 * 64 * 64 + 9 * 64 + 4 * 64  # matrices, biases, two norms
    assert model.flat.shape == (1, 2 * per_layer + 2 * 14 * 64 + 10 * 64 + 2 * 64)
    assert model.head.shape == (1, 14, 64)


def test_a_net_can_be_taken_out_and_put_back():
    """`net` returns a copy that makes the same net again."""
    model, tokens = stack(0, 1), tokens_of(1, 2, 5)
    alone = Transformer(model.architecture, [model.net(1)], "cpu")
    expected = model(tokens.expand(2, -1, -1))[0][1]
    torch.testing.assert_close(alone(tokens)[0][0], expected)
    model.flat.zero_()
    assert alone.flat.any()


@pytest.mark.parametrize("seed", range(3))
def test_test_nets_are_far_from_uniform(seed):
    """The nets of these tests have sharp distributions, so that agreement means something."""
    made = Transformer(Architecture(14, 10, 16, 2, 2), [weights(seed)], "cpu")
    logits = made(tokens_of(1, 8, 10))[0].detach()
    entropy = torch.distributions.Categorical(logits=logits).entropy()
    assert 0.05 < float(entropy.mean()) < 0.9 * math.log(14)
