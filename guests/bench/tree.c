/* Unbalanced binary search tree: insert, look up, delete, and a recursive walk. */

#include "workload.h"

enum { NODES = 4096 };
struct node {
    struct node *left, *right;
    uint32_t key, value;
};
static struct node pool[NODES], *unused;

static void insert(struct node **link, uint32_t key, uint32_t value)
{
    while (*link && (*link)->key != key)
        link = key < (*link)->key ? &(*link)->left : &(*link)->right;
    if (*link) {
        (*link)->value += value;
        return;
    }
    if (!unused)
        return;
    struct node *n = unused;
    unused = n->right;
    *n = (struct node){0, 0, key, value};
    *link = n;
}

static void discard(struct node **link, uint32_t key)
{
    while (*link && (*link)->key != key)
        link = key < (*link)->key ? &(*link)->left : &(*link)->right;
    struct node *gone = *link;
    if (!gone)
        return;
    if (!gone->left) {
        *link = gone->right;
    } else if (!gone->right) {
        *link = gone->left;
    } else {
        struct node **successor = &gone->right;
        while ((*successor)->left)
            successor = &(*successor)->left;
        struct node *n = *successor;
        *successor = n->right;
        n->left = gone->left;
        n->right = gone->right;
        *link = n;
    }
    gone->right = unused;
    unused = gone;
}

static uint64_t walk(const struct node *n, uint64_t sum)
{
    if (!n)
        return sum;
    sum = walk(n->left, sum);
    sum = sum * 31 + (n->key ^ n->value);
    return walk(n->right, sum);
}

uint64_t workload(uint64_t reps)
{
    uint64_t state = 4101842887655102017u, sum = 0;
    for (uint64_t rep = 0; rep < reps; rep++) {
        struct node *root = 0;
        unused = 0;
        for (int i = NODES; i-- > 0;) {
            pool[i].right = unused;
            unused = &pool[i];
        }
        for (int i = 0; i < 3 * NODES; i++) {
            uint64_t r = next_random(&state);
            uint32_t key = (uint32_t)(r >> 40) & 0x3fff;
            if (r & 3)
                insert(&root, key, (uint32_t)i);
            else
                discard(&root, key);
        }
        sum = mix(sum, walk(root, rep));
    }
    return sum;
}
